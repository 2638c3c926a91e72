import { readFileSync, rmSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { findPostmaster } from "../../server/embedded/postmaster.js"
import { isAlive } from "../../server/embedded/process.js"
import type { EmbeddedConnection } from "../../server/embedded/session.js"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../server/embedded/start.js"

/** An empty database for one test file, in the throwaway cluster of the run. */
export interface FreshDatabase {
  readonly name: string
  /** Options for `postgres()`, as the database's owner. */
  readonly connection: EmbeddedConnection
  /** Drops the database and its remaining sessions. The end of the run drops any that remain. */
  drop(): Promise<void>
}

/**
 * Creates a database; the first call of a run starts the cluster. `template` names a database to copy, which must have no
 * sessions; an empty one by default.
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

/** Creates a temporary folder, named after this process so that a later run can remove what a killed run left. */
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

/** Starts a durable cluster for one test, which may kill it. `end` stops it and removes its folder. */
export async function ownCluster(): Promise<EmbeddedPostgres & { dataDir: string; end(): Promise<void> }> {
  const dataDir = await throwawayFolder()
  const database = await startEmbeddedPostgres({ dataDir, log: () => {} })
  const end = async () => {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { ...database, dataDir, end }
}

/** Stops and removes the cluster of the run. Mocha calls it after the last test; other programs must call it. */
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

/** A cluster that somebody else runs, given the folder of its socket. It must have the role trust_registry. */
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

/** Stops the databases of killed runs and removes their folders. */
export async function sweep(): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((entry) => entry.startsWith(PREFIX))) {
    if (isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue
    const pid = await findPostmaster(clusterOf(join(tmpdir(), name)))
    if (pid !== undefined) process.kill(pid, "SIGQUIT")
    await rm(join(tmpdir(), name, "postgres"), { recursive: true, force: true, maxRetries: 5 })
    await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}

/** Synchronous, for exit hooks. Checks the command line, because some tests write another process's id into the lock file. */
function killPostmasterOf(folder: string) {
  const data = clusterOf(folder)
  try {
    const pid = Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10)
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`\0${data}\0`)) process.kill(pid, "SIGQUIT")
  } catch {
    // Nothing runs there, or this system has no /proc and the next run cleans up.
  }
}

function clusterOf(dataDir: string) {
  return join(dataDir, "postgres", "data")
}

process.once("exit", () => {
  sharedFolder = undefined
  clearThrowaways()
})
