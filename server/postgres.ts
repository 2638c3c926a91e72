import type { Config } from "./config/config.js"
import { maskUrl } from "./connection/mask.js"
import { startEmbeddedPostgres } from "./embedded/start.js"
import type { Log } from "./log.js"
import type { Connection } from "./store/database/sql.js"

/** The PostgreSQL that stores the chains. */
export interface Postgres {
  /** How to reach it. */
  readonly connection: Connection
  /** For the log and messages, without secrets. */
  readonly name: string
  /** Stops the database if this process started it. */
  stop(): Promise<void>
}

/** The database of DATABASE_URL; without it, starts the embedded PostgreSQL. Throws EmbeddedPostgresError. */
export async function providePostgres(config: Config, log: Log): Promise<Postgres> {
  if (config.databaseUrl !== "") return givenPostgres(config.databaseUrl, maskUrl(config.databaseUrl))
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (level, message, details) => log[level](details ?? {}, message),
  })
  return {
    connection: embedded.connection,
    name: `embedded in ${config.dataDir}`,
    stop: () => embedded.stop(),
  }
}

/** A database that this process does not manage. */
export function givenPostgres(connection: Connection, name: string): Postgres {
  return { connection, name, stop: async () => undefined }
}
