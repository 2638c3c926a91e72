import { CapabilityType, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "./support/calls.js"
import { capability } from "./support/records.js"
import { sampleChain } from "./support/sample.js"
import { startRegistry, type TestRegistry } from "./support/server.js"

describe("attacks with many and large chains", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)

  beforeEach(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  afterEach(async () => {
    line.close()
    await registry.stop()
  })

  /** A chain of nearly a mebibyte. */
  const largeChain = (agentId: string) => ({
    ...sampleChain(agentId),
    capabilities: Array.from({ length: 1_000 }, (_, index) =>
      capability(`capability-${index}`, {
        capabilityType: CapabilityType.ACTION,
        scopeJson: `{"x":"${"y".repeat(850)}"}`,
      }),
    ),
  })

  it("of a hundred chains of a mebibyte each, asked for in one call and in forty, all are given", async () => {
    await calls().storeChain({ chain: largeChain("large-0") })
    await registry.sql`
      insert into trust_chains (agent_id, authority_id, chain_data, chain_bytes, chain_hash, content_hash, status, request_id)
      select 'large-' || n, authority_id, jsonb_set(chain_data, '{genesis,agent_id}', to_jsonb('large-' || n)), chain_bytes,
        chain_hash, content_hash, status, gen_random_uuid()
      from trust_chains, generate_series(1, 99) n`
    const agentIds = Array.from({ length: 100 }, (_, index) => `large-${index}`)
    const { found, unread, missing } = await calls().batchGetChains({ agentIds })
    expect([found.length > 1, found.length + unread.length, missing.length]).to.deep.equal([true, 100, 0])
    const some = agentIds.slice(60)
    const given = await Promise.all(some.map((agentId) => calls().getChain({ agentId })))
    expect(given.map(({ chain }) => chain?.genesis?.agentId)).to.deep.equal(some)
  }).timeout(60_000)

  it("a document that is the JSON value null is told as corrupt, and read once", async () => {
    await calls().storeChain({ chain: sampleChain("null") })
    await registry.sql`update trust_chains set chain_data = 'null' where agent_id = 'null'`
    const { unreadable } = await calls().batchGetChains({ agentIds: ["null"] })
    expect(unreadable).to.deep.equal(["null"])
  })
})
