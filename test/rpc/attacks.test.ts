import { health, TrustStoreService } from "@trust-registry/proto"
import { createLog, defaultConfig, type RegistryServer, startServer } from "@trust-registry/server"
import { expect } from "chai"
import postgres from "postgres"
import { watchedSql } from "../../server/dist/store/database/driverInternals.js"
import { isPassing } from "../../server/dist/store/database/failures.js"
import { openPool } from "../../server/dist/store/database/sql.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { freshDatabase } from "../support/postgres.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { until } from "../support/until.js"

describe("the server under database faults", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  /** A second server, which soon gives up waiting for the database. */
  let impatient: RegistryServer
  let lineToImpatient: ReturnType<typeof connectTo>

  before(async () => {
    registry = await startRegistry({ databaseTimeoutMs: scaled(20_000) })
    line = connectTo(registry.address)
    impatient = await registry.beside({ databaseTimeoutMs: 500 })
    lineToImpatient = connectTo(impatient.address)
  })
  after(async () => {
    line.close()
    lineToImpatient.close()
    await impatient.stop()
    await registry.stop()
  })
  const calls = () => line.calls(TrustStoreService)
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason
  const sessions = () => registry.sql`
    select pid from pg_stat_activity where application_name = 'trust-registry' and datname = current_database()`

  it("fails no call and loses no write while sessions are ended repeatedly", async () => {
    const { storeChain, getChain, listChains } = calls()
    let going = true
    let answered = 0
    const killer = (async () => {
      while (going) {
        const before = answered
        for (const { pid } of await sessions()) await registry.sql`select pg_terminate_backend(${pid})`
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 50))
        // Lets calls through between two kills, however slow the machine is.
        await until("a call is answered", () => !going || answered > before)
      }
    })()
    const work = async (worker: number) => {
      let expectedRevision = 0n
      for (let i = 0; i < 20; i++) {
        const chain = sampleChain(`ended-${worker}`)
        const { record } = await storeChain({ chain, expectedRevision })
        answered++
        expectedRevision = record?.revision ?? -1n
        if (worker < 4) await listChains({ pageSize: 3 })
      }
      return [worker, expectedRevision] as const
    }
    const ends = await Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker))).finally(() => {
      going = false
      return killer
    })
    for (const [worker, revision] of ends)
      expect((await getChain({ agentId: `ended-${worker}` })).stored?.record?.revision).to.equal(revision)
    const [history] = await registry.sql`
      select count(*)::int as n from trust_chain_revisions where agent_id like 'ended-%'`
    expect(history?.n).to.equal(12 * 20)
  })

  it("refuses a response that the driver confuses with the previous one", async () => {
    const { connection, drop } = await freshDatabase()
    const pool = openPool(connection, 1, () => {})
    try {
      const [first, second] = [watchedSql(pool), watchedSql(pool)]
      const failing = first.sql`select i, 1 / (4 - i) as quotient from generate_series(1, 10) i`
      const next = second.sql`select i from generate_series(1, 5) i`
      const [failed, mixed] = await Promise.allSettled([failing, next])
      expect((failed as PromiseRejectedResult).reason.code).to.equal("22012")
      expect(isPassing((mixed as PromiseRejectedResult).reason)).to.equal(true)
      expect(await watchedSql(pool).sql`select i from generate_series(1, 5) i`).to.have.length(5)
    } finally {
      await pool.end()
      await drop()
    }
  })

  it("keeps connections free while a table is locked by hand", async () => {
    const { getChain, listChains, storeChain } = lineToImpatient.calls(TrustStoreService)
    const hold = await registry.sql.reserve()
    try {
      await hold`begin`
      await hold`lock table trust_chains in access exclusive mode`
      for (let round = 0; round < 3; round++) {
        const reads = Array.from({ length: 20 }, (_, i) =>
          reasonOf(getChain({ agentId: `locked-${round}-${i}` })),
        )
        expect(new Set(await Promise.all(reads))).to.deep.equal(new Set(["DATABASE_UNAVAILABLE"]))
      }
      const list = reasonOf(listChains({}))
      expect(await reasonOf(storeChain({ chain: sampleChain("locked") }))).to.equal("DATABASE_UNAVAILABLE")
      expect(await list).to.equal("DATABASE_UNAVAILABLE")
      await until("what was given up has ended", async () => {
        const [waiting] = await hold`
          select count(*)::int as n from pg_stat_activity
          where application_name = 'trust-registry' and datname = current_database() and wait_event_type = 'Lock'`
        return waiting?.n === 0
      })
    } finally {
      await hold`rollback`
      hold.release()
    }
    await calls().storeChain({ chain: sampleChain("locked") })
  })

  it("reports a full disk as an unavailable database, not an internal error", async () => {
    const { storeChain } = lineToImpatient.calls(TrustStoreService)
    await registry.sql.unsafe(`
      create function disk_full() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
      create trigger disk_full before insert on trust_chains for each row execute function disk_full()`)
    try {
      const failure = await failureOf(storeChain({ chain: sampleChain("full") }))
      expect(detailsOf(failure).info?.reason).to.equal("DATABASE_UNAVAILABLE")
    } finally {
      await registry.sql`drop function disk_full cascade`
    }
    await calls().storeChain({ chain: sampleChain("full") })
    expect((await line.calls(health.Health).check({ service: "" })).status).to.equal(1)
  })
})

describe("a network that delays messages", () => {
  it("does not let an abandoned write undo a newer one", async () => {
    const database = await freshDatabase()
    const lines = await startTcpProxy(database.connection.path)
    const { username, database: name } = database.connection
    const config = defaultConfig({
      listen: { host: "127.0.0.1", port: 0 },
      databaseUrl: `postgres://${username}@127.0.0.1:${lines.port}/${name}`,
    })
    const server = await startServer({ config, log: createLog("silent") })
    const line = connectTo(server.address)
    const sql = postgres({ ...database.connection, max: 1 })
    try {
      const { storeChain, getChain } = line.calls(TrustStoreService)
      const chain = (name: string) => ({ ...sampleChain("late"), capabilities: [capability(name)] })
      await storeChain({ chain: chain("first") })
      lines.freeze()
      const failure = await failureOf(storeChain({ chain: chain("given-up") }))
      expect(detailsOf(failure).info?.reason).to.equal("DATABASE_UNAVAILABLE")
      const { record } = await until("it is back", () => storeChain({ chain: chain("newer") }))
      lines.thaw()
      await new Promise((resolve) => setTimeout(resolve, 500))
      const [row] = await sql`select revision from trust_chains where agent_id = 'late'`
      expect(BigInt(row?.revision)).to.equal(record?.revision)
      expect((await getChain({ agentId: "late" })).stored?.chain?.capabilities[0]?.capability).to.equal(
        "newer",
      )
    } finally {
      line.close()
      await server.stop()
      await sql.end()
      lines.close()
      await database.drop()
    }
  })
})
