import { setTimeout as delay } from "node:timers/promises"
import type { Cluster } from "./cluster.js"
import { EmbeddedPostgresError } from "./errors.js"
import { findPostmaster, type Launch, launchPostmaster } from "./postmaster.js"
import { openSession, type Session } from "./session.js"

/**
 * Opens a session with the cluster's database: with a postmaster that is already running (left by a killed server, or still
 * recovering), or with one that it starts. Throws START_FAILED with the end of PostgreSQL's log if none is ready in time.
 */
export async function reachDatabase(
  cluster: Cluster,
  socketFolder: string,
  signal?: AbortSignal,
): Promise<Session> {
  const deadline = performance.now() + START_BOUND_MS
  const starter = createStarter(cluster)
  for (;;) {
    try {
      return await openSession(socketFolder)
    } catch (cause) {
      signal?.throwIfAborted()
      if (performance.now() > deadline) throw unreachable(cluster, cause)
    }
    await starter.assureRunning()
    await delay(POLL_MS)
  }
}

/** Crash recovery replays up to max_wal_size (1 GB) of WAL. */
const START_BOUND_MS = 120_000
const POLL_MS = 25

function createStarter(cluster: Cluster) {
  let launch: Launch | undefined
  let blockedUntil: number | undefined
  let nextAttempt = 0

  const noteFailure = (output: string) => {
    const now = performance.now()
    blockedUntil ??= now + BLOCKED_BOUND_MS
    if (!BLOCKED.test(output) || now > blockedUntil) {
      const reason = `PostgreSQL does not start on ${cluster.folder.dataDir} (log: ${cluster.folder.log}):\n${output}`
      throw new EmbeddedPostgresError("START_FAILED", reason)
    }
    nextAttempt = now + RETRY_MS
  }

  return {
    async assureRunning() {
      if (launch?.isRunning()) return
      if (launch) noteFailure(await launch.exited)
      launch = undefined
      if (performance.now() < nextAttempt || (await findPostmaster(cluster.folder.data)) !== undefined) return
      launch = await launchPostmaster(cluster)
    },
  }
}

/** PostgreSQL's messages while backends of a killed postmaster are still alive, or when another server started first. */
const BLOCKED = /is still in use|already exists|lock file .* is empty/
const BLOCKED_BOUND_MS = 10_000
const RETRY_MS = 200

function unreachable(cluster: Cluster, cause: unknown) {
  const reason =
    `PostgreSQL on ${cluster.folder.dataDir} does not answer after ${START_BOUND_MS / 1000} s: ` +
    `${(cause as Error).message} (log: ${cluster.folder.log})`
  return new EmbeddedPostgresError("START_FAILED", reason, { cause })
}
