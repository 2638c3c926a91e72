import { status as Code } from "@grpc/grpc-js"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"

describe("stopping the server", () => {
  let registry: TestRegistry
  let connection: ReturnType<typeof connectTo>
  const store = () => connection.calls(TrustStoreService)

  async function start(drainTimeoutMs: number) {
    registry = await startRegistry({ databaseTimeoutMs: 60_000, drainTimeoutMs })
    connection = connectTo(registry.address)
  }
  afterEach(async () => {
    connection.close()
    await registry.stop()
  })

  it("gives open calls time to finish, and refuses new ones", async () => {
    await start(scaled(10_000))
    let stopped: Promise<void> | undefined
    let write: Promise<unknown> | undefined
    await registry.sql.begin(async (sql) => {
      await sql`lock table trust_chains in access exclusive mode`
      write = store().verifyChainIntegrity({ agentId: "nobody" })
      write.catch(() => undefined)
      await until("the call waits for the table", () => someoneWaits(registry))
      stopped = registry.stopServer()
      const late = connectTo(registry.address)
      const refused = await failureOf(late.calls(TrustStoreService).countChains({}))
      expect(refused.code).to.equal(Code.UNAVAILABLE)
      late.close()
    })
    const error = await failureOf(write as Promise<unknown>)
    expect(error.code).to.equal(Code.NOT_FOUND)
    await stopped
  })

  it("fails calls still open after the drain timeout with SHUTTING_DOWN and a delay", async () => {
    await start(300)
    await registry.sql.begin(async (sql) => {
      await sql`lock table trust_chains in access exclusive mode`
      const call = failureOf(store().verifyChainIntegrity({ agentId: "nobody" }))
      await until("the call waits for the table", () => someoneWaits(registry))
      await registry.stopServer()
      const error = await call
      expect(error.code).to.equal(Code.UNAVAILABLE)
      expect(detailsOf(error).info?.reason).to.equal("SHUTTING_DOWN")
      expect(error.metadata.get("grpc-retry-pushback-ms")).to.have.lengthOf(1)
    })
  })

  it("keeps what it acknowledged, also after a restart", async () => {
    await start(scaled(10_000))
    const ids = Array.from({ length: 200 }, (_, i) => `agent-${i}`)
    const writes = ids.map((id) =>
      store()
        .storeChain({ chain: sampleChain(id) })
        .then(() => id),
    )
    await writes[0]
    await registry.restart()
    const outcomes = await Promise.allSettled(writes)
    const kept = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []))
    expect(kept).to.include("agent-0")
    connection.close()
    connection = connectTo(registry.address)
    for (const agentId of kept)
      expect((await store().getChain({ agentId })).stored?.record?.agentId).to.equal(agentId)
  })
})

async function someoneWaits({ sql }: TestRegistry) {
  const rows = await sql`select 1 from pg_locks where relation = 'trust_chains'::regclass and not granted`
  return rows.length > 0
}
