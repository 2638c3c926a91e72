import { status as Code } from "@grpc/grpc-js"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { openFolder } from "../../server/dist/embedded/folder.js"
import { connectTo, failureOf } from "../support/calls.js"
import { freshDatabase } from "../support/postgres.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

const { NOT_SERVING } = health.HealthCheckResponse_ServingStatus

describe("the schema", () => {
  let registry: TestRegistry
  before(async () => {
    registry = await startRegistry()
  })
  after(() => registry.stop())

  const failedStart = () =>
    registry.beside().then(
      (server) => server.stop(),
      (error: Error) => error.message,
    )
  /** What a start fails with while a row of trust_migrations is another one. */
  const startWith = async (name: string, changes: { version?: number; checksum?: string }) => {
    const { sql } = registry
    const [row] = await sql`select * from trust_migrations where name = ${name}`
    await sql`update trust_migrations set ${sql(changes)} where name = ${name}`
    const message = await failedStart()
    await sql`update trust_migrations set ${sql(row ?? {}, "version", "checksum")} where name = ${name}`
    return message
  }

  it("is refused if a step or the functions are newer than the server knows", async () => {
    expect(await startWith("functions", { version: 9998 })).to.match(/schema has version 9998.*newer server/)
    const { sql } = registry
    await sql`insert into trust_migrations (version, name, checksum) values (9999, '9999_later.sql', '')`
    expect(await failedStart()).to.match(/schema has version 9999.*start a newer server/)
    await sql`delete from trust_migrations where version = 9999`
    expect(await failedStart()).to.equal(undefined)
  })

  it("is refused if a step has another checksum, with what to do", async () => {
    const message = await startWith("0001_init.sql", { checksum: "another" })
    expect(message).to.match(/0001_init\.sql is not that of this server.*export --all.*import/)
  })

  it("is refused if it is older than checksums", async () => {
    const database = await freshDatabase()
    const old = await startRegistry({}, database)
    await old.stopServer()
    await old.sql`alter table trust_migrations drop column checksum`
    const message = await startRegistry({}, database).catch((error: Error) => error.message)
    expect(message).to.match(/never released/)
    await old.stop()
  })

  it("gets new functions only if they differ", async () => {
    const { sql } = registry
    const textOf = async () => {
      const [row] = await sql`select prosrc as text from pg_proc where proname = 'trust_agent_revoked'`
      return row?.text
    }
    const text = await textOf()
    await sql`
      create or replace function trust_agent_revoked(agent text, at timestamptz) returns boolean
      language sql stable as 'select true'`
    await registry.restart()
    expect(await textOf()).to.equal("select true")
    await sql`update trust_migrations set checksum = 'of other functions' where name = 'functions'`
    await registry.restart()
    expect(await textOf()).to.equal(text)
  })

  it("has functions that find their tables with any search path", async () => {
    const rows = await registry.sql`
      select proname as name from pg_proc
      where pronamespace = 'public'::regnamespace and prosqlbody is null
        and not coalesce(proconfig @> array['search_path=public, pg_temp'], false)`
    // It names the schema of all that it uses.
    expect(rows.map(({ name }) => name)).to.deep.equal(["trust_chain_metadata"])
  })

  it("of a newer server stops the service of a running older one, which says why", async () => {
    const registry = await startRegistry()
    const { calls, close } = connectTo(registry.address)
    const store = () => failureOf(calls(TrustStoreService).storeChain({ chain: sampleChain("ann") }))
    await registry.sql.begin(async (sql) => {
      await sql`insert into trust_migrations (version, name, checksum) values (9999, 'of a later server', '')`
      await sql`alter function trust_chains_write rename to trust_chains_write_later`
    })
    for (let round = 0; round < 3; round++) {
      const failure = await store()
      expect(failure.code, failure.details).to.equal(Code.UNAVAILABLE)
      expect(failure.details).to.match(/schema has version 9999.*start a newer server/)
    }
    const { status } = await calls(health.Health).check({})
    expect(status).to.equal(NOT_SERVING)
    await registry.sql.begin(async (sql) => {
      await sql`alter function trust_chains_write_later rename to trust_chains_write`
      await sql`delete from trust_migrations where version = 9999`
    })
    await until("it serves again", async () => (await calls(health.Health).check({})).status === 1)
    await calls(TrustStoreService).storeChain({ chain: sampleChain("ann") })
    close()
    await registry.stop()
  })

  it("makes the database unavailable while it is older than the server needs", async () => {
    const { sql } = registry
    // Its own time-out has to pass before the call's does.
    const impatient = await registry.beside({ databaseTimeoutMs: 500 })
    const line = connectTo(impatient.address)
    const { storeChain } = line.calls(TrustStoreService)
    const { check } = line.calls(health.Health)
    await sql`update trust_migrations set version = version - 1000`
    await until("the server sees it", async () => (await check({ service: "" })).status === NOT_SERVING)
    const failure = await failureOf(storeChain({ chain: sampleChain("too-old") }))
    expect(failure.details).to.include("schema has version")
    await sql`update trust_migrations set version = version + 1000`
    await until("it serves again", () => storeChain({ chain: sampleChain("too-old") }).then(() => true))
    line.close()
    await impatient.stop()
  })

  it("works with unusual session settings", async () => {
    const database = await freshDatabase()
    const { sql, stop: drop } = await startRegistry({}, database)
    for (const setting of [
      "array_nulls = off",
      "standard_conforming_strings = off",
      "search_path = '$user', public",
    ])
      await sql.unsafe(`alter role current_user in database ${database.name} set ${setting}`)
    const unusual = await startRegistry({}, { ...database, drop: async () => undefined })
    const line = connectTo(unusual.address)
    const { batchStoreChains, getChain } = line.calls(TrustStoreService)
    const agents = ['quote"d', "back\\slash", "null", "a,b", "(c)", "{d}", "Ünï"]
    await batchStoreChains({ requests: agents.map((agentId) => ({ chain: sampleChain(agentId) })) })
    for (const agentId of agents) {
      const { record } = (await getChain({ agentId })).stored ?? {}
      expect(record?.agentId).to.equal(agentId)
      expect(record?.expiresAt).to.equal(undefined)
    }
    line.close()
    await unusual.stop()
    await drop()
  })

  it("reports at once that the data folder cannot be created", async () => {
    const error = await openFolder("/proc/trust-registry/data").catch((error) => error)
    expect(error).to.include({ code: "FOLDER_UNUSABLE" })
  })
})
