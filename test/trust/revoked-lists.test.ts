import { connect, RevocationMode, type TrustRegistry } from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("the list of revoked records", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    registry = connect(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  it("leaves out no suspension that is lifted between two pages, and repeats none", async () => {
    const agents = ["a", "b", "c", "d", "e", "f"]
    const revocations = new Map<string, string>()
    for (const agentId of agents) {
      await registry.storeChain({ chain: sampleChain(agentId) })
      const { revocation } = await registry.revokeAgent({ agentId, mode: RevocationMode.SUSPEND })
      revocations.set(agentId, revocation?.revocationId ?? "")
    }
    for (const first of [1, 2, 3]) {
      const listed: string[] = []
      // From the last to the first: each round lifts one that was listed and one that was not.
      const lifts = [agents[6 - first], agents[first - 1]]
      for await (const { records } of registry.listRevokedRecords({ pageSize: first }).pages()) {
        listed.push(...records.map(({ agentId }) => agentId))
        for (const agentId of lifts.splice(0))
          await registry.liftSuspension({ revocationId: revocations.get(agentId ?? "") ?? "" })
      }
      expect(listed).to.deep.equal([...agents].reverse())
    }
    const standing = await registry.listRevokedRecords({ standingOnly: true }).page()
    expect(standing.records).to.deep.equal([])
  })
})
