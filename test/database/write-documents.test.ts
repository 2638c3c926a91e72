import { randomBytes } from "node:crypto"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { withRegistry } from "../support/withRegistry.js"

const CHAINS = 60
const CONTROLS = String.fromCharCode(...Array.from({ length: 31 }, (_, i) => i + 1))

describe("writes that share a transaction", () => {
  const { registry, line } = withRegistry()

  /** A chain whose document is told from all others, `bytes` long at least and without a text to compress. */
  const chainOf = (agentId: string, bytes: number) => ({
    ...sampleChain(agentId),
    capabilities: [
      capability("read", {
        constraints: [`${CONTROLS}"\\${agentId}\u001f\u2028`, randomBytes(bytes).toString("base64")],
        scopeJson: '{"separator":"\\u001f"}',
      }),
    ],
  })

  it("keep their own documents, small and large, new and replaced, beside writes without one", async () => {
    const { storeChain, deleteChain, getChain } = line.calls(TrustStoreService)
    const agents = Array.from({ length: CHAINS }, (_, i) => `document-${i}`)
    for (const round of [0, 1]) {
      const chains = agents.map((agentId, i) => chainOf(agentId, (i % 4) * 3_000 + round))
      await Promise.all(chains.map((chain) => storeChain({ chain })))
      const gone = agents.map((agentId) => `gone-${round}-${agentId}`)
      await Promise.all(gone.map((agentId) => storeChain({ chain: sampleChain(agentId) })))
      await Promise.all([
        ...gone.map((agentId) => deleteChain({ agentId })),
        ...chains.map((chain) => storeChain({ chain })),
      ])
      for (const [i, agentId] of agents.entries()) {
        const { chain } = (await getChain({ agentId })).stored ?? {}
        expect(chain?.capabilities[0]?.constraints).to.deep.equal(chains[i]?.capabilities[0]?.constraints)
      }
    }
  })

  it("record in history what the rows hold", async () => {
    const [told] = await registry.sql<{ equal: number; other: number; large: number }[]>`
      select count(*) filter (where h.chain_data = c.chain_data)::int as equal,
             count(*) filter (where h.chain_data is distinct from c.chain_data)::int as other,
             count(*) filter (where pg_column_size(h.chain_data) > 8192)::int as large
      from trust_chains c left join trust_chain_history h using (agent_id, revision)`
    expect(told?.other).to.equal(0)
    expect(told?.equal).to.equal(CHAINS * 3)
    expect(told?.large).to.be.above(0)
  })

  it("are refused if a document is incomplete", async () => {
    const parts = `{"genesis":{}}\u001f{"genesis":{}}`
    const failed = await registry.sql`
      select * from trust_chains_write(
        array[row('store', 'cut', gen_random_uuid(), 'me', null, 'org', 1, 'a', 'b', null, 'unverified', '{}', false, false)]::trust_chain_write[],
        ${parts}, now(), null)`.catch((error: Error) => error.message)
    expect(failed).to.match(/separates documents/)
  })
})
