import { join } from "node:path"
import { expect } from "chai"
import postgres from "postgres"
import { openDatabase } from "../../server/dist/store/database/database.js"
import { migrate } from "../../server/dist/store/database/migrate.js"
import { openPool } from "../../server/dist/store/database/sql.js"
import { type Advance, type Feed, startFeed } from "../../server/dist/store/feed/feed.js"
import { findPostmaster } from "../../server/embedded/postmaster.js"
import { kill } from "../support/kill.js"
import { type FreshDatabase, freshDatabase, ownCluster } from "../support/postgres.js"
import { scaled } from "../support/slowness.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"
import { until } from "../support/until.js"

/** How often the feed polls for changes. */
const LOOKS_EVERY_MS = 500

describe("the change feed", () => {
  let database: FreshDatabase
  let proxy: TcpProxy
  let sql: postgres.Sql
  const stop: (() => Promise<void>)[] = []
  let pushes = 0

  before(async () => {
    database = await freshDatabase()
    const pool = openPool(database.connection, 1, () => {})
    await migrate(pool)
    await pool.end()
    proxy = await startTcpProxy(database.connection.path)
    sql = postgres({ ...database.connection, max: 4, onnotice: () => {} })
  })
  afterEach(async () => {
    for (const end of stop.splice(0)) await end()
  })
  after(async () => {
    await sql.end({ timeout: 1 })
    proxy.close()
    await database.drop()
  })

  /** A feed through the proxy; its monitor has a line of its own that nobody touches. */
  const follow = async (maxAgeMs = 2_000) => {
    const { monitor, close } = openDatabase({
      connection: database.connection,
      maxConnections: 2,
      timeoutMs: 1_000,
      onEvent: () => {},
    })
    const { path: _, ...connection } = { ...database.connection, host: "127.0.0.1", port: proxy.port }
    const feed = startFeed(connection, monitor, maxAgeMs, () => {})
    const advances: Advance[] = []
    feed.onAdvance((advance) => advances.push(advance))
    stop.push(async () => {
      await feed.close()
      await close(100)
    })
    await reach(feed, 0n)
    return { feed, told: () => advances.flatMap(({ changes }) => changes), advances }
  }
  const insert = async (agentIds: string[], on: postgres.ISql | postgres.Sql = sql) => {
    const rows = await on<{ revision: string }[]>`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
      select id, 0, 'org', '{}', 2, 'h', 'c' from unnest(${agentIds}::text[]) id returning revision`
    return rows.map(({ revision }) => BigInt(revision))
  }
  const readers = () => sql<{ pid: number }[]>`
    select pid from pg_stat_activity
    where datname = current_database() and application_name = 'trust-registry' and query like '%trust_chain_revisions%'`
  /** Passes once the feed reads a change before its next poll; on a busy machine that may take several attempts. */
  const hearsByPush = (feed: Feed, name: string) =>
    until("a change is told by push", async () => {
      await until("it waits", () => feed.age() > 100)
      const lookedAt = performance.now() - feed.age()
      const [revision] = await insert([`${name}-${++pushes}`])
      // Not `reached`, which asks at once.
      await until("it is told", () => feed.position >= (revision as bigint))
      return performance.now() - feed.age() - lookedAt < LOOKS_EVERY_MS
    })
  const reach = (feed: Feed, revision: bigint) => feed.reached(revision, AbortSignal.timeout(scaled(20_000)))

  it("reports chains and authorities in one order, whoever changed them", async () => {
    const { feed, told } = await follow()
    await insert(["one-a", "one-b"])
    await sql`insert into trust_authorities (authority_id, revision, authority_data) values ('one-org', 0, '{"id":"one-org"}')`
    await sql`update trust_chains set status = 'suspended' where agent_id = 'one-a'`
    await sql`update trust_authorities set is_active = false where authority_id = 'one-org'`
    await sql`delete from trust_chains where agent_id = 'one-b'`
    const [newest] = await sql`select last_value as revision from trust_revision`
    await reach(feed, BigInt(newest?.revision))
    expect(told().map(({ kind, id }) => `${kind} ${id}`)).to.deep.equal([
      "chain one-a",
      "chain one-b",
      "authority one-org",
      "chain one-a",
      "authority one-org",
      "chain one-b",
    ])
    const revisions = told().map(({ revision }) => revision)
    expect(revisions).to.deep.equal([...revisions].sort((left, right) => (left < right ? -1 : 1)))
    expect(feed.position).to.equal(BigInt(newest?.revision))
  })

  it("reads a change of many rows in batches, and misses none", async () => {
    const { feed, told, advances } = await follow()
    const ids = Array.from({ length: 3_500 }, (_, i) => `many-${i}`)
    const revisions = await insert(ids)
    await reach(feed, revisions.at(-1) as bigint)
    expect(told().map(({ id }) => id)).to.deep.equal(ids)
    expect(advances.length).to.be.greaterThan(3)
    expect(advances.every(({ changes }) => changes.length <= 1_000)).to.equal(true)
  })

  it("is notified by push, long before it would poll", async () => {
    const { feed } = await follow(60_000)
    await hearsByPush(feed, "push")
  })

  it("skips nothing in transactions that stay open before and after their write", async () => {
    const { feed, told } = await follow()
    const early = await sql.reserve()
    const late = await sql.reserve()
    try {
      // Open with a snapshot of its own before the others write.
      await late`begin isolation level repeatable read`
      await late`select count(*) from trust_chains`
      await early`begin`
      const [first] = await insert(["held-early"], early)
      const waiting = insert(["held-behind"])
      await until("the other waits for the lock", async () => {
        const [row] =
          await sql`select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`
        return row?.n === 1
      })
      expect(feed.position < (first as bigint)).to.equal(true)
      const heldSince = performance.now()
      await until("it has looked meanwhile", () => feed.age() < performance.now() - heldSince)
      expect(told()).to.deep.equal([])
      await early`commit`
      const [second] = await waiting
      const [third] = await insert(["held-late"], late)
      expect([second, third]).to.deep.equal([(first as bigint) + 1n, (first as bigint) + 2n])
      await reach(feed, second as bigint)
      await late`select pg_sleep(0.7)`
      expect(feed.position).to.equal(second)
      await late`commit`
      await reach(feed, third as bigint)
      expect(told().map(({ id }) => id)).to.deep.equal(["held-early", "held-behind", "held-late"])
    } finally {
      early.release()
      late.release()
    }
  })

  it("resumes where it was after its connection was cut, and listens again", async () => {
    const { feed, told } = await follow()
    for (let round = 0; round < 5; round++) {
      for (const { pid } of await readers()) await sql`select pg_terminate_backend(${pid})`
      const [revision] = await insert([`cut-${round}`])
      await reach(feed, revision as bigint)
    }
    expect(told().map(({ id }) => id)).to.deep.equal([0, 1, 2, 3, 4].map((round) => `cut-${round}`))
    await hearsByPush(feed, "listening")
  })

  it("replaces a half-open connection, and misses nothing", async () => {
    const { feed, told } = await follow()
    proxy.freeze()
    const [revision] = await insert(["frozen"])
    await reach(feed, revision as bigint)
    expect(told().map(({ id }) => id)).to.deep.equal(["frozen"])
  })

  it("starts over if history is not the one that it knew", async () => {
    const { feed, advances } = await follow()
    const [revision] = await insert(["lost"])
    await reach(feed, revision as bigint)
    advances.length = 0
    // As after a failover to a standby that lacked the newest commits: others come under the same revisions.
    await sql.unsafe(`
      alter table trust_chains disable trigger user;
      delete from trust_chains where revision = ${revision};
      delete from trust_chain_revisions where revision = ${revision};
      alter table trust_chains enable trigger user;
      select setval('trust_revision', ${revision}, false)`)
    const [again] = await insert(["instead", "further"])
    await until("it has started anew", () => advances.some(({ reset }) => reset))
    expect(again).to.equal(revision)
    await reach(feed, (revision as bigint) + 1n)
    expect(feed.position).to.equal((revision as bigint) + 1n)
  })

  it("clears memory when another server reports changes, and keeps its position", async () => {
    const cluster = await ownCluster()
    const { monitor, close } = openDatabase({
      ...cluster,
      maxConnections: 2,
      timeoutMs: 1_000,
      onEvent: () => {},
    })
    const pool = openPool(cluster.connection, 1, () => {})
    await migrate(pool)
    await pool.end()
    const feed = startFeed(cluster.connection, monitor, 2_000, () => {})
    const advances: Advance[] = []
    feed.onAdvance((advance) => advances.push(advance))
    try {
      const other = postgres({ ...cluster.connection, max: 1, onnotice: () => {} })
      const [revision] = await insert(["kept"], other)
      await other.end()
      await reach(feed, revision as bigint)
      await kill(await findPostmaster(join(cluster.dataDir, "postgres", "data")))
      const told = await until("another server tells", () => advances.find((one) => one.forget && !one.reset))
      expect(told).to.include({ position: revision, reset: false })
      expect(advances.filter(({ reset }) => reset)).to.have.length(1)
    } finally {
      await feed.close()
      await close(100)
      await cluster.end()
    }
  })

  it("stops waiting for a revision when its caller does", async () => {
    const { feed } = await follow()
    const far = feed.position + 1_000n
    const failure = await feed.reached(far, AbortSignal.timeout(50)).catch((error) => error)
    expect(failure.name).to.equal("TimeoutError")
  })
})
