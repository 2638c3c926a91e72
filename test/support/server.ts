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

/** A line of the server's log. */
export type LogLine = { level: string; msg: string } & Record<string, unknown>

/** A registry in this process, on a database of its own. */
export interface TestRegistry {
  /** Where it listens; a new port after `restart`. */
  readonly address: string
  /** How to reach the same database. */
  readonly connection: EmbeddedConnection
  /** The same database, for what a person would do in psql. */
  readonly sql: postgres.Sql
  /** What it logged so far. */
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

/** Starts a registry in this process on a free port, with `changes` to the default settings, on an empty database or that one. */
export async function startRegistry(
  changes: Partial<Config> = {},
  given?: FreshDatabase,
): Promise<TestRegistry> {
  const database = given ?? (await freshDatabase())
  const sql = postgres({ ...database.connection, max: 2, onnotice: () => {} })
  const log: LogLine[] = []
  const optionsOf = (changes: Partial<Config>, lines: LogLine[]) => ({
    config: defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, logLevel: "debug", ...changes }),
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

function collectLines(log: LogLine[]) {
  return new Writable({
    write(chunk, _encoding, done) {
      log.push(JSON.parse(String(chunk)))
      done()
    },
  })
}
