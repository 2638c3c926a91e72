import { readFileSync, rmSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { findPostmaster } from "../../server/embedded/postmaster.js"
import { isAlive } from "../../server/embedded/process.js"
import type { EmbeddedConnection } from "../../server/embedded/session.js"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../server/embedded/start.js"

/** An empty database of its own for a test file, in the one throwaway cluster of the run. */
export interface FreshDatabase {
  readonly name: string
  /** For `postgres({ ...connection })`, as the role that owns the database. */
  readonly connection: EmbeddedConnection
  /** Cuts the sessions that are left and drops it. The end of the run drops what nobody dropped. */
  drop(): Promise<void>
}

/**
 * Makes a new database; the first call of a run starts the cluster. `template` names a database to copy
 * (one that nobody is connected to), by default an empty one.
 */
export async function freshDatabase({ template = "template1" } = {}): Promise<FreshDatabase> {
  const { database, admin } = await sharedCluster()
  const name = `test_${++databases}`
  await admin`create database ${admin(name)} owner ${admin(database.connection.username)} template ${admin(template)}`
  const connection = { ...database.connection, database: name }
  const drop = async () => {
    await admin`drop database if exists ${admin(name)} with (force)`
  }
  return { name, connection, drop }
}

/** A folder for throwaway data, named after this process so that a later run can tell what a killed one left. */
export async function throwawayFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  throwaways.add(folder)
  return folder
}

/** Stops PostgreSQL in the throwaway folders of this process and removes them, except the shared cluster. */
export function clearThrowaways(): void {
  for (const folder of throwaways) {
    if (folder === sharedFolder) continue
    killPostmasterOf(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    throwaways.delete(folder)
  }
}

/** A cluster of the test's own, to be killed and hurt; it is durable. `end` stops it and removes its folder. */
export async function ownCluster(): Promise<EmbeddedPostgres & { dataDir: string; end(): Promise<void> }> {
  const dataDir = await throwawayFolder()
  const database = await startEmbeddedPostgres({ dataDir, log: () => {} })
  const end = async () => {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { ...database, dataDir, end }
}

/** Stops the cluster of the run and removes it. Mocha calls it after the last test; other programs call it themselves. */
export async function endSharedCluster(): Promise<void> {
  const running = shared
  shared = undefined
  if (!running) return
  const { database, admin, dataDir } = await running
  await admin.end({ timeout: 1 })
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
}

const PREFIX = "trust-registry-test-"
const throwaways = new Set<string>()
let sharedFolder: string | undefined
let databases = 0
let shared: ReturnType<typeof startShared> | undefined

function sharedCluster() {
  shared ??= startShared()
  return shared
}

async function startShared() {
  await sweep()
  const dataDir = await throwawayFolder()
  sharedFolder = dataDir
  const socket = process.env.TRUST_REGISTRY_TEST_SOCKET
  const database = socket
    ? givenCluster(socket)
    : await startEmbeddedPostgres({ dataDir, log: () => {}, durable: false })
  const admin = postgres({ ...database.superuser, max: 2, max_lifetime: null, onnotice: () => {} })
  return { dataDir, database, admin }
}

/** A cluster that somebody else runs, by the folder of its socket: it has the role trust_registry. */
function givenCluster(host: string) {
  const connection = {
    host,
    path: join(host, ".s.PGSQL.5432"),
    port: 5432,
    password: "",
    ssl: false,
  } as const
  return {
    connection: { ...connection, username: "trust_registry", database: "postgres" },
    superuser: { ...connection, username: "postgres", database: "postgres" },
    stop: async () => undefined,
  }
}

/** Ends and removes what killed runs left behind. */
export async function sweep(): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((entry) => entry.startsWith(PREFIX))) {
    if (isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue
    const pid = await findPostmaster(clusterOf(join(tmpdir(), name)))
    if (pid !== undefined) process.kill(pid, "SIGQUIT")
    await rm(join(tmpdir(), name, "postgres"), { recursive: true, force: true, maxRetries: 5 })
    await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}

/** Synchronous, for exit hooks. Checks the command line, as some tests write the id of another process into the lock file. */
function killPostmasterOf(folder: string) {
  const data = clusterOf(folder)
  try {
    const pid = Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10)
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`\0${data}\0`)) process.kill(pid, "SIGQUIT")
  } catch {
    // Nothing runs there, or this system has no /proc and the next run sweeps.
  }
}

function clusterOf(dataDir: string) {
  return join(dataDir, "postgres", "data")
}

process.once("exit", () => {
  sharedFolder = undefined
  clearThrowaways()
})
