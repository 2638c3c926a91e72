import { TrustStoreService } from "@trust-registry/proto"
import type { RegistryServer } from "@trust-registry/server"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "./support/calls.js"
import { capability } from "./support/records.js"
import { sampleChain } from "./support/sample.js"
import { startRegistry, type TestRegistry } from "./support/server.js"
import { until } from "./support/until.js"

describe("two servers on one database", () => {
  // So high that nothing but word of a change can be what made it seen.
  const cacheMaxAgeMs = 60_000
  let registry: TestRegistry
  let other: RegistryServer
  let lines: ReturnType<typeof connectTo>[]

  before(async () => {
    registry = await startRegistry({ cacheMaxAgeMs })
    other = await registry.beside({ cacheMaxAgeMs })
    lines = [connectTo(registry.address), connectTo(other.address)]
  })
  after(async () => {
    for (const line of lines) line.close()
    await other.stop()
    await registry.stop()
  })
  const callsTo = (which: 0 | 1) => (lines[which] as ReturnType<typeof connectTo>).calls(TrustStoreService)
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason

  it("a change through one is seen through the other by push", async () => {
    const [a, b] = [callsTo(0), callsTo(1)]
    const agentId = "pushed"
    expect(await reasonOf(b.getChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
    const { record } = await a.storeChain({ chain: sampleChain(agentId) })
    await until(
      "the store is seen",
      async () => (await b.getChain({ agentId })).record?.revision === record?.revision,
    )
    const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
    await a.updateChain({ agentId, chain })
    await until(
      "the update is seen",
      async () => (await b.getChain({ agentId })).chain?.capabilities.length === 1,
    )
    await a.deleteChain({ agentId })
    await until(
      "the deletion is seen",
      async () => (await reasonOf(b.getChain({ agentId }))) === "TRUST_CHAIN_NOT_FOUND",
    )
    await a.restoreChain({ agentId })
    await until("the restoration is seen", async () => (await b.getChain({ agentId })).record?.isActive)
    await a.deleteChain({ agentId, softDelete: false })
    await until(
      "the removal is seen",
      async () =>
        (await reasonOf(b.getChain({ agentId, includeInactive: true }))) === "TRUST_CHAIN_NOT_FOUND",
    )
  })
})
