import { Writable } from "node:stream"
import {
  type Config,
  createLog,
  defaultConfig,
  type RegistryServer,
  startServer,
} from "@trust-registry/server"
import postgres from "postgres"
import type { EmbeddedConnection } from "../../server/embedded/session.js"
import { type FreshDatabase, freshDatabase } from "./postgres.js"
import { scaled } from "./slowness.js"

/** A line of the server's log. */
export type LogLine = { level: string; msg: string } & Record<string, unknown>

/** A registry in this process, with its own database. */
export interface TestRegistry {
  /** The address, with a new port after `restart`. */
  readonly address: string
  /** Connection options for its database. */
  readonly connection: EmbeddedConnection
  /** A connection to its database, for changes by hand. */
  readonly sql: postgres.Sql
  /** The log lines so far. */
  readonly log: readonly LogLine[]
  /** Starts another server on the same database; the caller stops it. */
  beside(changes?: Partial<Config>): Promise<RegistryServer>
  /** Stops the server and starts another on the same database. */
  restart(): Promise<void>
  /** Stops the server, as SIGTERM does. */
  stopServer(): Promise<void>
  /** Stops the server and drops the database. */
  stop(): Promise<void>
}

const DEFAULTS: Partial<Config> = { listen: { host: "127.0.0.1", port: 0 }, logLevel: "debug" }

/** Starts a registry in this process on a free port, with `changes` to the default settings, on a new database or the given one. */
export async function startRegistry(
  changes: Partial<Config> = {},
  given?: FreshDatabase,
): Promise<TestRegistry> {
  template ??= makeTemplate()
  const database = given ?? (await freshDatabase({ template: await template }))
  const sql = postgres({ ...database.connection, max: 2, onnotice: () => {} })
  const log: LogLine[] = []
  const optionsOf = (changes: Partial<Config>, lines: LogLine[]) => ({
    config: defaultConfig({
      ...DEFAULTS,
      databaseTimeoutMs: scaled(4_000),
      callTimeoutMs: scaled(30_000),
      ...changes,
    }),
    log: createLog(changes.logLevel ?? "debug", collectLines(lines)),
    connection: database.connection,
  })
  const options = optionsOf(changes, log)
  let server: RegistryServer = await startServer(options)
  return {
    get address() {
      return server.address
    },
    connection: database.connection,
    sql,
    log,
    beside: (changes = {}) => startServer(optionsOf(changes, [])),
    async restart() {
      await server.stop()
      server = await startServer(options)
    },
    stopServer: () => server.stop(),
    async stop() {
      await server.stop()
      await sql.end({ timeout: 1 })
      await database.drop()
    },
  }
}

let template: Promise<string> | undefined

/** Creates a database with the schema to copy, which is faster than migrating each new database. */
async function makeTemplate() {
  const { name, connection } = await freshDatabase()
  const server = await startServer({
    config: defaultConfig(DEFAULTS),
    log: createLog("silent"),
    connection,
  })
  await server.stop()
  return name
}

function collectLines(log: LogLine[]) {
  return new Writable({
    write(chunk, _encoding, done) {
      log.push(JSON.parse(String(chunk)))
      done()
    },
  })
}
