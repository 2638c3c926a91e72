import postgres from "postgres"
import { within } from "../async/deadline.js"
import { ENVIRONMENT_PROOF } from "../connection/driverOptions.js"
import { SUPERUSER } from "./cluster.js"
import { EmbeddedPostgresError } from "./errors.js"
import { SOCKET_PORT } from "./settings.js"
import { socketIn } from "./socket.js"

/** What the `postgres` driver needs to connect. Every value is set, so that PG* variables have no effect. */
export interface EmbeddedConnection {
  readonly host: string
  readonly path: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password: string
  readonly ssl: false
}

/** A superuser connection, held open as long as the folder is ours. */
export interface Session {
  readonly sql: postgres.Sql
  /** Resolves when either side closes the connection, usually because the database died. */
  readonly closed: Promise<void>
  end(): Promise<void>
}

/** The registry's role and database: the role owns the database and is not a superuser. */
const APPLICATION = "trust_registry"

/** The connection of the registry itself. */
export function connectionTo(folder: string): EmbeddedConnection {
  return connectionAs(folder, APPLICATION, APPLICATION)
}

/** The connection of the superuser, to the maintenance database. */
export function superuserOf(folder: string): EmbeddedConnection {
  return connectionAs(folder, SUPERUSER, "postgres")
}

function connectionAs(folder: string, username: string, database: string): EmbeddedConnection {
  return {
    host: folder,
    path: socketIn(folder),
    port: SOCKET_PORT,
    database,
    username,
    password: "",
    ssl: false,
  }
}

/** Connects as superuser; rejects with the driver's error if nothing listens or the database is not ready. */
export async function openSession(folder: string): Promise<Session> {
  let close = () => {}
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  const sql = postgres({
    ...superuserOf(folder),
    ...ENVIRONMENT_PROOF,
    password: () => "",
    max: 1,
    connect_timeout: 5,
    // By default the driver replaces a connection after half an hour, which would release the lock.
    max_lifetime: null,
    connection: { application_name: `trust-registry-server ${process.pid}` },
    onclose: () => close(),
  })
  const end = () => sql.end({ timeout: 1 })
  try {
    await within(sql`select 1`, { ms: ANSWER_MS, late: unanswered })
    return { sql, closed, end }
  } catch (error) {
    await end()
    throw error
  }
}

const ANSWER_MS = 10_000

function unanswered(): never {
  throw new Error(`it took the connection and gave no answer within ${ANSWER_MS / 1000} s`)
}

/**
 * Claims the folder for as long as the session lives, by an advisory lock, which ends with the process that holds it, however it
 * dies. Throws FOLDER_IN_USE if another server holds it.
 */
export async function lockFolder({ sql }: Session, dataDir: string): Promise<void> {
  // A server killed a moment ago holds the lock until its backend notices.
  await sql.unsafe(`set lock_timeout = '${LOCK_WAIT_MS}ms'`)
  try {
    await sql`select pg_advisory_lock(${FOLDER_LOCK})`
  } catch (cause) {
    if ((cause as postgres.PostgresError).code !== "55P03") throw cause
    const reason =
      `the data folder ${dataDir} is in use by another server (${await holderOf(sql)}). Stop that one, give this one ` +
      `another folder (TRUST_REGISTRY_DATA_DIR), or run both on one PostgreSQL server (DATABASE_URL)`
    throw new EmbeddedPostgresError("FOLDER_IN_USE", reason, { cause })
  }
}

const LOCK_WAIT_MS = 1_500
const FOLDER_LOCK = 7_472_001

async function holderOf(sql: postgres.Sql) {
  const [holder] = await sql<{ name: string }[]>`
    select application_name as name from pg_stat_activity join pg_locks using (pid)
    where locktype = 'advisory' and granted and objid = ${FOLDER_LOCK}`
  return holder ? holder.name.replace("trust-registry-server", "process") : "which is just exiting"
}

/** Creates the registry's role and database if they are missing; the caller holds the folder's lock. */
export async function assureDatabase({ sql }: Session): Promise<void> {
  const [found] = await sql<{ role: boolean; database: boolean }[]>`
    select exists (select from pg_roles where rolname = ${APPLICATION}) as role,
           exists (select from pg_database where datname = ${APPLICATION}) as database`
  if (!found?.role) await sql`create role ${sql(APPLICATION)} login`
  if (!found?.database) await sql`create database ${sql(APPLICATION)} owner ${sql(APPLICATION)}`
}
