import { expect } from "chai"
import postgres from "postgres"
import { freshDatabase } from "../support/postgres.js"
import { type ServerProcess, spawnServer } from "../support/process.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { until } from "../support/until.js"

describe("a start", () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  function spawn(args: string[], env: NodeJS.ProcessEnv = {}): ServerProcess {
    const server = spawnServer(["serve", "--listen=127.0.0.1:0", ...args], env)
    closers.push(async () => {
      server.signal("SIGKILL")
      await server.ended
    })
    return server
  }

  /** An empty database, and its URL through a proxy. */
  async function proxiedDatabase() {
    const database = await freshDatabase()
    closers.push(() => database.drop())
    const proxy = await startTcpProxy(database.connection.path)
    closers.push(() => proxy.close())
    const { username, database: name } = database.connection
    return {
      proxy,
      connection: database.connection,
      url: `postgres://${username}@127.0.0.1:${proxy.port}/${name}`,
    }
  }

  it("ends when the database takes connections and says nothing", async () => {
    const { proxy, url } = await proxiedDatabase()
    proxy.darken()
    const { code, stderr } = await spawn(["--database-start-timeout-ms=1000"], { DATABASE_URL: url }).ended
    expect(code).to.equal(1)
    expect(stderr).to.match(/cannot be used, waited \d+ ms: .*(did not answer|no answer|in time)/)
  })

  it("ends when the database falls silent during the migration", async () => {
    const { proxy, url, connection } = await proxiedDatabase()
    const sql = postgres({ ...connection, max: 2, onnotice: () => {} })
    closers.push(() => sql.end({ timeout: 1 }))
    const server = await sql.begin(async (held) => {
      await held`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
      const server = spawn(["--database-start-timeout-ms=3000"], { DATABASE_URL: url })
      await until("the migration waits for the lock", async () => {
        const rows = await sql`select from pg_locks where locktype = 'advisory' and not granted`
        return rows.length > 0
      })
      proxy.darken()
      return server
    })
    const { code, stderr } = await server.ended
    expect(code).to.equal(1)
    expect(stderr, stderr).to.match(/cannot be used, waited \d+ ms: .*(did not answer|gave no session)/)
  })
})

const MIGRATION_LOCK = "7166746355081732686"
