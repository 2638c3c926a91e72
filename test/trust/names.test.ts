import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  RevocationService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"

// Members of every object in JavaScript: where a plain object is looked up by an id, these are found in it.
const NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"]

describe("ids that every object has as members", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const world = trustWorld(BigInt(Date.now()) * 1000n)
  before(async () => {
    registry = await startRegistry({ logLevel: "error" })
    line = connectTo(registry.address)
    for (const id of NAMES) {
      const keys = [{ keyId: id, publicKey: signerOf(id).publicKey }]
      world.authorities.set(id, { id, keys: [{ publicKey: signerOf(id).publicKey }] })
      const authority = {
        id,
        name: id,
        authorityType: AuthorityType.ORGANIZATION,
        keys,
        permissions: usualPermissions(),
      }
      await line.calls(AuthorityService).registerAuthority({ authority })
    }
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const check = (agentId: string) =>
    line.calls(TrustVerificationService).checkAuthority({
      agentId,
      action: "read_data",
      consistency: { requirement: { case: "strong", value: true } },
    })

  it("are ids of agents and authorities like any other", async () => {
    const revisions = new Map<string, bigint>()
    for (const [index, id] of NAMES.entries()) {
      const above = NAMES[index - 1]
      const chain =
        above === undefined
          ? await world.establish(id, { authorityId: id })
          : await world.delegate(above, id, {})
      const { record } = await line.calls(TrustStoreService).storeChain({ chain })
      revisions.set(id, record?.revision ?? 0n)
      const answer = await check(id)
      expect(answer, id).to.include({ authorized: true, reasonText: "" })
      for (const { agentId, revision } of answer.path.filter((one) => one.agentId !== ""))
        expect(revision, `${id}: ${agentId}`).to.equal(revisions.get(agentId))
    }
  })

  it("are written together in one batch, and a denial names them", async () => {
    const authorityId = NAMES[1] as string
    const chains = []
    for (const id of NAMES) chains.push(await world.establish(id, { authorityId }))
    const { results } = await line
      .calls(TrustStoreService)
      .batchStoreChains({ requests: chains.map((chain) => ({ chain, allowNewAuthority: true })) })
    for (const { result } of results) expect(result.case).to.equal("stored")
    for (const agentId of NAMES) {
      await line.calls(RevocationService).revokeAgent({ agentId, reason: "test" })
      expect(await check(agentId), agentId).to.include({ authorized: false })
    }
  })
})
