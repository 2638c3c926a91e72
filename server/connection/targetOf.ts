import { parseDatabaseUrl } from "./databaseUrl.js"
import { CONNECT_TIMEOUT_MS, IN_THE_CLEAR, KEEP_ALIVE_S, type Target } from "./target.js"

/** How to reach PostgreSQL: a URL, what one was read to, or a server on this machine. */
export type Connection = string | Target | LocalConnection

/** A PostgreSQL without encryption: the embedded one, or one behind a test's proxy. */
export interface LocalConnection {
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password?: string
}

/** The connection as a target; a target stays the same object, so that its pools share what they learn. */
export function targetOf(connection: Connection): Target {
  if (typeof connection === "string") return parseDatabaseUrl(connection)
  if ("hosts" in connection) return connection
  const { host, port, database, username, password = "" } = connection
  return {
    hosts: [{ host, address: "", port }],
    random: false,
    user: username,
    database,
    password,
    passfile: "",
    encryption: IN_THE_CLEAR,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    keepAliveS: KEEP_ALIVE_S,
    startup: { application_name: "trust-registry" },
    learnt: { host: 0 },
  }
}
