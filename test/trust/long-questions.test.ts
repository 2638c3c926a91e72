import { create } from "@bufbuild/protobuf"
import { lineageOf, verifyTrust } from "@trust-registry/eatp"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { evidenceOf } from "../../server/dist/service/verification/evidence.js"
import type { TrustReader } from "../../server/dist/store/readers/trustReader.js"
import type { ServedChain } from "../../server/dist/store/rows/servedChain.js"
import { held, heldMs } from "../support/held.js"
import { genesis, soundDelegation } from "../support/shapedChain.js"
import { NOW } from "../support/trustWorld.js"

/** Ten levels of 95 agents, of which each delegated to all on the level below: 86,000 delegations above one agent. */
function diamond(): Map<string, ServedChain> {
  const served = new Map<string, ServedChain>()
  for (let level = 0; level <= 10; level++)
    for (let place = 0; place < (level === 0 ? 1 : 95); place++) {
      const agentId = `a-${level}-${place}`
      const above = level === 10 ? [] : Array.from({ length: 95 }, (_, at) => `a-${level + 1}-${at}`)
      const delegations = above.map((delegatorId, at) => ({
        ...soundDelegation,
        id: `d-${at}`,
        delegatorId,
        delegateeId: agentId,
      }))
      const init = { genesis: { ...genesis, agentId, signature: "unsigned" }, delegations } as never
      served.set(agentId, servedAs(create(TrustLineageChainSchema, init)))
    }
  return served
}

function servedAs(chain: TrustLineageChain): ServedChain {
  const bytes = Buffer.alloc(0)
  const standing = { status: "active" as const, expiresAt: null, revokesAt: null, revocations: [] }
  const read = { revision: 1n, documentRevision: 1n, verified: true }
  return { bytes, stored: bytes, chain: () => chain, ...read, ...standing }
}

describe("questions about an agent with a diamond of delegators", () => {
  const chains = diamond()
  const reader: TrustReader = {
    getChain: (id) => chains.get(id) ?? null,
    getAuthority: (id) => ({ signer: { id, keys: [] }, parentId: "", revision: 1n }),
    goneAgents: async () => new Set(),
    firstStored: async () => new Map(),
  }
  const ask = async () => {
    const { input, denied } = await evidenceOf({ reader, nowMicros: NOW }, "a-0-0", {
      reach: "direct",
      maxRecordAgeMs: 0,
    })
    expect(denied).to.equal(undefined)
    return await verifyTrust({ ...input, request: { agentId: "a-0-0", action: "read", level: "quick" } })
  }

  it("take turns, all of them together", async () => {
    const { result, longest } = await held(() => Promise.all(Array.from({ length: 40 }, ask)))
    expect(result.every(({ valid }) => valid)).to.equal(true)
    expect(longest).to.be.lessThan(heldMs())
  })

  it("walk through each chain once, not once per path", async () => {
    let looks = 0
    const chainOf = (id: string) => {
      looks++
      return chains.get(id)?.chain()
    }
    expect(lineageOf("a-0-0", chainOf).depth).to.equal(10)
    expect(looks).to.equal(chains.size)
  })
})
