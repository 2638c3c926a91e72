import { spawn } from "node:child_process"
import { readFile, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Cluster } from "./cluster.js"
import { EmbeddedPostgresError } from "./errors.js"
import { childOf } from "./identity.js"
import { openLog, readLogSince, sizeOfLog } from "./log.js"
import { hasArguments, isAlive } from "./process.js"
import { postmasterSettings, SOCKET_PORT } from "./settings.js"

/** A postmaster that we started; `exited` resolves to the end of its log. */
export interface Launch {
  readonly exited: Promise<string>
  isRunning(): boolean
}

/** Starts the postmaster in its own session, so that it survives Ctrl-C in a terminal and the death of this process. */
export async function launchPostmaster(cluster: Cluster): Promise<Launch> {
  const { folder, binaries, runner, durable } = cluster
  await removeMisleadingLocks(folder.data)
  const serverArgs = ["-D", folder.data, ...postmasterSettings(durable)]
  const { file, args, options } = childOf(runner.identity, folder, binaries, binaries.postgres, serverArgs)
  const log = await openLog(folder, runner.identity.user)
  const offset = await sizeOfLog(folder)
  try {
    const child = spawn(file, args, { ...options, detached: true, stdio: ["ignore", log.fd, log.fd] })
    let running = true
    const exited = new Promise<string>((resolve) => {
      const end = (failure?: Error) => {
        running = false
        resolve(failure ? failure.message : readLogSince(folder, offset))
      }
      child.once("exit", () => end()).once("error", end)
    })
    child.unref()
    return { exited, isRunning: () => running }
  } finally {
    await log.close()
  }
}

/** The process id of the postmaster running on this cluster, no matter what started it. */
export async function findPostmaster(data: string): Promise<number | undefined> {
  const pid = await readPid(join(data, "postmaster.pid"))
  return pid !== undefined && (await isPostmasterOf(pid, data)) ? pid : undefined
}

/**
 * Stops the postmaster of the cluster, if there is one: "fast" (sessions end, a checkpoint is written), and after a
 * time-out "immediate" (the next start recovers from the log). Throws STOP_FAILED if it survives that too.
 */
export async function stopPostmaster(data: string, bounds = STOP_BOUNDS): Promise<void> {
  const pid = await findPostmaster(data)
  if (pid === undefined) return
  for (const [signal, ms] of [
    ["SIGINT", bounds.fastMs],
    ["SIGQUIT", bounds.immediateMs],
  ] as const) {
    // It may exit in the same moment, which is fine.
    if (isAlive(pid)) process.kill(pid, signal)
    if (await isGone(pid, data, ms)) return
  }
  throw new EmbeddedPostgresError("STOP_FAILED", `PostgreSQL (process ${pid}) on ${data} does not stop`)
}

/** A fast stop writes a checkpoint, which may take long on a slow disk. */
const STOP_BOUNDS = { fastMs: 20_000, immediateMs: 8_000 }

async function isGone(pid: number, data: string, ms: number) {
  const deadline = performance.now() + ms
  while (await isPostmasterOf(pid, data)) {
    if (performance.now() > deadline) return false
    await delay(20)
  }
  return true
}

/** Checks its arguments: they are readable without privileges, and a zombie has none. */
async function isPostmasterOf(pid: number, data: string) {
  return await hasArguments(pid, ["-D", data])
}

/**
 * PostgreSQL considers a lock file valid while any process has its pid. After a crash that may be an unrelated process, so
 * without a postmaster here, such a file is stale. (A file whose process is gone is left to PostgreSQL, which then also
 * checks shared memory for survivors.)
 */
async function removeMisleadingLocks(data: string) {
  for (const name of ["postmaster.pid", `.s.PGSQL.${SOCKET_PORT}.lock`]) {
    const path = join(data, name)
    const pid = await readPid(path)
    const misleads =
      pid === undefined ? await isOldAndEmpty(path) : isAlive(pid) && !(await isPostmasterOf(pid, data))
    if (misleads) await rm(path, { force: true })
  }
}

/** A crash of the machine may leave an empty file, which PostgreSQL refuses forever; a recent one may still be being written. */
async function isOldAndEmpty(path: string) {
  const file = await stat(path).catch(() => undefined)
  return file !== undefined && file.size === 0 && Date.now() - file.mtimeMs > 10_000
}

async function readPid(path: string) {
  const text = await readFile(path, "utf8").catch(() => "")
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}
