import { rm } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import { freshDatabase, throwawayFolder } from "../support/postgres.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { fillRegistry } from "./fixture.js"
import { OWNER, placeOf, psql, runProgram, SUPERUSER } from "./programs.js"
import { type State, servesAsBefore, stateOf } from "./state.js"

describe("a registry restored from pg_dump", function () {
  // Each is a run of several programs and a start of a server.
  this.timeout(120_000)
  let source: TestRegistry
  let folder: string
  let expected: State
  before(async () => {
    folder = await throwawayFolder()
    source = await startRegistry()
    await fillRegistry(source)
    expected = await stateOf(source.address)
    await source.stopServer()
  })
  after(async () => {
    await source.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const dump = (...args: string[]) =>
    runProgram("pg_dump", [...args, ...placeOf(source.connection, SUPERUSER)])

  it("whole, in custom format, into an empty database", async () => {
    const file = join(folder, "registry.dump")
    await dump("--format=custom", `--file=${file}`)
    const target = await freshDatabase()
    const into = placeOf(target.connection, SUPERUSER)
    await runProgram("pg_restore", ["--exit-on-error", "--no-owner", `--role=${OWNER}`, ...into, file])
    await servesAsBefore(target, expected)
  })

  it("whole, as plain SQL, by the owner of the database", async () => {
    const target = await freshDatabase()
    await psql(target.connection, OWNER, await dump("--no-owner"))
    await servesAsBefore(target, expected)
  })

  it("data only, into a database that the server has made", async () => {
    const target = await migrated()
    await psql(target.connection, SUPERUSER, await dump(...DATA_ONLY, "--disable-triggers"))
    await servesAsBefore(target, expected)
  })

  it("data only with triggers: refused as a whole, since they would make history anew", async () => {
    const target = await migrated()
    const failure = await psql(target.connection, OWNER, await dump(...DATA_ONLY)).catch(
      (error: Error) => error.message,
    )
    expect(failure).to.match(/duplicate key|violates/)
    await psql(target.connection, SUPERUSER, await dump(...DATA_ONLY, "--disable-triggers"))
    await servesAsBefore(target, expected)
  })

  it("into another schema: the server makes its functions anew there", async () => {
    const target = await freshDatabase()
    await psql(target.connection, OWNER, await dump("--no-owner"))
    await psql(
      target.connection,
      SUPERUSER,
      `
      alter schema public rename to "Trust registry";
      create schema public;
      alter role ${OWNER} in database ${target.name} set search_path = "Trust registry"`,
    )
    await servesAsBefore(target, expected)
  })
})

const DATA_ONLY = ["--data-only", "--exclude-table=*.trust_migrations"]

/** A database with our schema, as the server leaves it. */
async function migrated() {
  const target = await freshDatabase()
  const registry = await startRegistry({}, target)
  await registry.stopServer()
  await registry.sql.end()
  return target
}
