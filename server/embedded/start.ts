import { within } from "../async/deadline.js"
import { findBinaries } from "./binaries.js"
import { assureCluster, type Cluster } from "./cluster.js"
import { EmbeddedPostgresError } from "./errors.js"
import { openFolder } from "./folder.js"
import { chooseIdentity } from "./identity.js"
import type { Log } from "./log.js"
import { stopPostmaster } from "./postmaster.js"
import { reachDatabase } from "./reach.js"
import {
  assureDatabase,
  connectionTo,
  type EmbeddedConnection,
  lockFolder,
  openSession,
  type Session,
  superuserOf,
} from "./session.js"
import { openSocketPath } from "./socket.js"
import { supervise } from "./supervise.js"

/** How to start the embedded PostgreSQL. */
export interface EmbeddedPostgresOptions {
  /** The folder that keeps the data between runs; created if missing. Relative to the working directory. */
  readonly dataDir: string
  readonly log: Log
  /** Whether an acknowledged write survives a crash of the machine. False is for throwaway data. (Default: true) */
  readonly durable?: boolean
}

/** A running PostgreSQL of our own. */
export interface EmbeddedPostgres {
  /** For the `postgres` driver: `postgres({ ...connection })`. Remains valid when the database dies and is restarted. */
  readonly connection: EmbeddedConnection
  /** The same for the cluster's superuser, on the database `postgres`: for backups, and for tests that create databases. */
  readonly superuser: EmbeddedConnection
  /** Stops the database and ends its sessions: close your own first. Throws STOP_FAILED if it does not stop. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a folder, or adopts one that a killed server left running there, and keeps it up: if it
 * dies, it is restarted, and callers see connection errors in between. Throws EmbeddedPostgresError.
 *
 * @example
 * const database = await startEmbeddedPostgres({ dataDir: "./.trust-registry", log: (level, text) => console.error(level, text) })
 * const sql = postgres({ ...database.connection, max: 10 })
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log } = options
  const started = performance.now()
  const cluster = await prepareCluster(options)
  const socket = await openSocketPath(cluster.folder.data)
  try {
    const reach = (signal?: AbortSignal) => takeFolder(cluster, socket.folder, signal)
    const supervisor = supervise(await reach(), reach, log)
    let stopped: Promise<void> | undefined
    const stop = async () => {
      await shutDown(cluster, socket.folder, await supervisor.stop())
      await socket.close()
    }
    const ms = Math.round(performance.now() - started)
    log("info", "the embedded PostgreSQL is up", {
      dataDir: cluster.folder.dataDir,
      runs: cluster.runner.identity.name,
      ms,
    })
    return {
      connection: connectionTo(socket.folder),
      superuser: superuserOf(socket.folder),
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    await socket.close()
    throw error
  }
}

async function prepareCluster({ dataDir, durable = true, log }: EmbeddedPostgresOptions): Promise<Cluster> {
  const folder = await openFolder(dataDir)
  const binaries = await findBinaries(folder.lib)
  const runner = await chooseIdentity(folder, binaries)
  const cluster = { folder, binaries, runner, durable }
  const { created } = await assureCluster(cluster)
  if (created) log("info", "created a new database", { dataDir: folder.dataDir })
  return cluster
}

/** A server that does not get the lock ends its session but leaves the database running: it belongs to another server. */
async function takeFolder(cluster: Cluster, socketFolder: string, signal?: AbortSignal): Promise<Session> {
  const session = await reachDatabase(cluster, socketFolder, signal)
  try {
    await within(claim(session, cluster), { ms: CLAIM_MS, late: () => noAnswer(cluster) })
    return session
  } catch (error) {
    await session.end()
    throw error
  }
}

async function claim(session: Session, { folder }: Cluster) {
  await lockFolder(session, folder.dataDir)
  await assureDatabase(session)
}

/** Making a database copies 7 MB, and waits for a checkpoint. */
const CLAIM_MS = 60_000

function noAnswer({ folder }: Cluster): never {
  const reason =
    `PostgreSQL on ${folder.dataDir} answered no more: waited ${CLAIM_MS / 1000} s for the lock of the folder and for the ` +
    `registry's database (log: ${folder.log})`
  throw new EmbeddedPostgresError("START_FAILED", reason)
}

/** Without a session the database was dying or starting; it is stopped unless another server has claimed it meanwhile. */
async function shutDown({ folder }: Cluster, socketFolder: string, session: Session | undefined) {
  const held = session ?? (await openSession(socketFolder).catch(() => undefined))
  try {
    if (held && !session) await lockFolder(held, folder.dataDir)
    await stopPostmaster(folder.data)
  } catch (error) {
    if ((error as EmbeddedPostgresError).code !== "FOLDER_IN_USE") throw error
  } finally {
    await held?.end()
  }
}
