import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { open, readdir, readFile, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import type { Binaries } from "./binaries.js"
import { EmbeddedPostgresError } from "./errors.js"
import type { Folder } from "./folder.js"
import { childOf, type Runner } from "./identity.js"
import { openLog, readLogSince, sizeOfLog } from "./log.js"
import { isAlive } from "./process.js"

/** Everything needed to start a postmaster on a folder. */
export interface Cluster {
  readonly folder: Folder
  readonly binaries: Binaries
  readonly runner: Runner
  readonly durable: boolean
}

/** The superuser of the cluster, without a password: only the owner of the 0700 folder can reach the socket. */
export const SUPERUSER = "postgres"

/**
 * Creates the database cluster if there is none. Throws WRONG_VERSION for data of another major version of PostgreSQL,
 * FOLDER_UNUSABLE for files that are not a cluster.
 */
export async function assureCluster(cluster: Cluster): Promise<{ created: boolean }> {
  const { folder, runner } = cluster
  const version = await readFile(join(folder.data, "PG_VERSION"), "utf8").catch(absent)
  if (version === undefined) {
    await refuseForeignFiles(folder)
    await removeLeftovers(folder)
    await initialize(cluster)
    return { created: true }
  }
  if (version.trim() === String(runner.major)) return { created: false }
  throw new EmbeddedPostgresError(
    "WRONG_VERSION",
    `${folder.dataDir} holds a database of PostgreSQL ${version.trim()}, but this release runs PostgreSQL ${runner.major}. ` +
      `Export it with the release that made it and import it into a new folder (TRUST_REGISTRY_DATA_DIR), or use pg_upgrade`,
  )
}

/** Initializes a sibling folder, then renames it: a killed initdb never leaves a partial cluster in place. */
async function initialize(cluster: Cluster) {
  const { folder, binaries, runner, durable } = cluster
  const fresh = join(folder.root, `${LEFTOVER}${process.pid}-${randomUUID()}`)
  const offset = await sizeOfLog(folder)
  const args = [...INITDB, ...(durable ? [] : ["--no-sync"]), "-D", fresh]
  const code = await run(cluster, binaries.initdb, args)
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true })
    const output = await readLogSince(folder, offset)
    const what =
      code === null ? `initdb was ended, at the latest after ${INITDB_MS / 1000} s,` : "initdb failed"
    throw new EmbeddedPostgresError("START_FAILED", `${what} ${runner.identity.name}:\n${output}`)
  }
  await moveIntoPlace(fresh, folder)
}

/** It takes a second, or half a minute on the slowest disks. */
const INITDB_MS = 180_000
const LEFTOVER = "data.new-"
const INITDB = [
  `--username=${SUPERUSER}`,
  "--auth-local=trust",
  "--auth-host=reject",
  "--encoding=UTF8",
  // The same collation and case rules on every machine, and English messages in the log.
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
]

async function run({ folder, binaries, runner }: Cluster, program: string, programArgs: readonly string[]) {
  const { file, args, options } = childOf(runner.identity, folder, binaries, program, programArgs)
  const log = await openLog(folder, runner.identity.user)
  try {
    const child = spawn(file, args, {
      ...options,
      stdio: ["ignore", log.fd, log.fd],
      timeout: INITDB_MS,
      killSignal: "SIGKILL",
    })
    const [code] = (await once(child, "exit")) as [number | null]
    return code
  } finally {
    await log.close()
  }
}

async function moveIntoPlace(fresh: string, folder: Folder) {
  try {
    await rename(fresh, folder.data)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    // Another server initialized the folder first; the lock decides which one runs.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
    return
  }
  await syncFolder(folder.root)
}

async function syncFolder(path: string) {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}

async function refuseForeignFiles(folder: Folder) {
  const files = (await readdir(folder.data).catch(absent)) ?? []
  if (files.length === 0) return
  const reason = `${folder.data} exists but is not a PostgreSQL database (it has no PG_VERSION): move it away, or choose another folder`
  throw new EmbeddedPostgresError("FOLDER_UNUSABLE", reason)
}

/** Removes what killed initdbs left behind. The folder of a live process may still be in use. */
async function removeLeftovers(folder: Folder) {
  const names = (await readdir(folder.root)).filter((name) => name.startsWith(LEFTOVER))
  for (const name of names) {
    if (isAlive(Number.parseInt(name.slice(LEFTOVER.length), 10))) continue
    await rm(join(folder.root, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

function absent(error: NodeJS.ErrnoException) {
  if (error.code !== "ENOENT") throw error
  return undefined
}
