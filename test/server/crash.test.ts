import { status as Code } from "@grpc/grpc-js"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, failureOf } from "../support/calls.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"

const ROUNDS = 3
const IN_FLIGHT = 16

describe("a crash", () => {
  let folder: Awaited<ReturnType<typeof embeddedFolder>>
  let server: ServerProcess
  let connection: ReturnType<typeof connectTo>
  const store = () => connection.calls(TrustStoreService)

  beforeEach(async () => {
    folder = await embeddedFolder()
    await start()
  })
  afterEach(async () => {
    connection.close()
    server.signal("SIGKILL")
    await server.ended
    await folder.end()
  })

  async function start() {
    const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.dataDir]
    server = spawnServer([...serve, "--database-timeout-ms", "20000"])
    connection = connectTo(await server.address())
  }

  it("of the server during stores loses no acknowledged chain", async () => {
    const acknowledged = new Map<string, bigint>()
    for (let round = 0; round < ROUNDS; round++) {
      const storing = Array.from({ length: IN_FLIGHT }, (_, lane) =>
        storeOn(`${round}-${lane}`, acknowledged),
      )
      const before = acknowledged.size
      await until("some are acknowledged", () => acknowledged.size > before + 100)
      server.signal("SIGKILL")
      await server.ended
      await Promise.all(storing)
      connection.close()
      await start()
      for (const [agentId, revision] of acknowledged) {
        expect((await store().getChain({ agentId })).stored?.record?.revision, agentId).to.equal(revision)
      }
    }
  })

  it("of the embedded database fails calls briefly, loses no acknowledged write, and service resumes by itself", async () => {
    const acknowledged = new Map<string, bigint>()
    const write = async (agentId: string) => {
      const { record } = await store().storeChain({ chain: sampleChain(agentId) })
      acknowledged.set(agentId, record?.revision ?? 0n)
      return true
    }
    await write("kept")
    for (let round = 0; round < 3; round++) {
      // Backends outlive it for a moment, and may do the write of the round before.
      process.kill(await until("the database runs", folder.postmaster), "SIGKILL")
      const error = await write(`round-${round}`).catch((error) => error)
      if (error instanceof Error) expect(error).to.include({ code: Code.UNAVAILABLE })
      await until("a write succeeds", () => write(`round-${round}`))
      const { check } = connection.calls(health.Health)
      await until("health is SERVING", async () => (await check({})).status === SERVING)
    }
    expect(acknowledged.size).to.equal(4)
    for (const [agentId, revision] of acknowledged) {
      const { record } =
        (await store().getChain({ agentId, consistency: { requirement: { case: "strong", value: true } } }))
          .stored ?? {}
      expect(record?.revision, agentId).to.equal(revision)
    }
    expect((await failureOf(store().getChain({ agentId: "other" }))).code).to.equal(Code.NOT_FOUND)
  })

  /** Stores one chain after the other until the server is gone. */
  async function storeOn(lane: string, acknowledged: Map<string, bigint>) {
    for (let i = 0; ; i++) {
      const agentId = `agent-${lane}-${i}`
      try {
        const { record } = await store().storeChain({ chain: sampleChain(agentId) })
        acknowledged.set(agentId, record?.revision ?? 0n)
      } catch {
        return
      }
    }
  }
})

const { SERVING } = health.HealthCheckResponse_ServingStatus
