import { TrustStoreService } from "@trust-registry/proto"
import { createLog, defaultConfig, startServer } from "@trust-registry/server"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { startMiniPooler } from "../support/miniPooler.js"
import { PGBOUNCER, startPgbouncer } from "../support/pgbouncer.js"
import { type FreshDatabase, freshDatabase } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"

type Behind = { connection: FreshDatabase["connection"]; end(): Promise<void> }

describe("behind a connection pooler", () => {
  let database: FreshDatabase
  let behind: Behind | undefined

  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(async () => {
    await behind?.end()
    behind = undefined
    await database.drop()
  })

  const start = async (by: Promise<Behind>) => {
    behind = await by
    return await startServer({
      config: defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, logLevel: "silent" }),
      log: createLog("silent"),
      connection: behind.connection,
    })
  }
  const refused = async (by: Promise<Behind>) => {
    const failure = await start(by).then(
      async (server) => {
        await server.stop()
        return "it started"
      },
      (error: Error) => error.message,
    )
    expect(failure).to.include("connection pooler").and.include("pool_mode = session")
  }
  const serves = async (by: Promise<Behind>) => {
    const server = await start(by)
    const { calls, close } = connectTo(server.address)
    const agents = Array.from({ length: 20 }, (_, index) => `agent-${index}`)
    try {
      await Promise.all(
        agents.map((agentId) => calls(TrustStoreService).storeChain({ chain: sampleChain(agentId) })),
      )
      for (let round = 0; round < 5; round++)
        await Promise.all(
          agents.map(async (agentId) => {
            const got = await calls(TrustStoreService).getChain({
              agentId,
              consistency: { requirement: { case: "strong", value: true } },
            })
            expect(got.stored?.record?.agentId).to.equal(agentId)
            const { revisions } = await calls(TrustStoreService).listChainRevisions({ agentId })
            expect(revisions.map(({ stored }) => stored?.record?.agentId)).to.deep.equal([agentId])
          }),
        )
    } finally {
      close()
      await server.stop()
    }
  }

  for (const order of ["lifo", "fifo"] as const)
    it(`refuses to start where statements of a session go to several connections, ${order}`, () =>
      refused(startMiniPooler(database.connection, order)))

  if (PGBOUNCER === undefined) return

  for (const mode of ["transaction", "statement"] as const)
    it(`refuses to start behind PgBouncer in ${mode} mode`, () =>
      refused(startPgbouncer(database.connection, mode)))

  it("serves behind PgBouncer in session mode, every caller their own", () =>
    serves(startPgbouncer(database.connection, "session")))
})
