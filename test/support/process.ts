import { spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import postgres from "postgres"
import { findPostmaster, stopPostmaster } from "../../server/embedded/postmaster.js"
import { connectionTo } from "../../server/embedded/session.js"
import { openSocketPath } from "../../server/embedded/socket.js"
import { throwawayFolder } from "./postgres.js"
import type { LogLine } from "./server.js"

/** The program of the server. */
export const SERVER_BIN = fileURLToPath(new URL("../../server/bin/trust-registry-server.js", import.meta.url))

/** The exit status and output of a process. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A running `trust-registry-server` process. */
export interface ServerProcess {
  readonly pid: number
  /** The log lines so far. */
  readonly log: readonly LogLine[]
  readonly ended: Promise<Ended>
  /** Waits for the first log line that fits; throws if the process ends before it. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Waits until the server is ready, and returns its address. */
  address(): Promise<string>
  signal(signal: NodeJS.Signals): void
}

/** Starts the server with only PATH, HOME and `env` in its environment. */
export function spawnServer(args: readonly string[], env: NodeJS.ProcessEnv = {}): ServerProcess {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [SERVER_BIN, ...args], { env: { PATH, HOME, ...env } })
  const log: LogLine[] = []
  const watchers = new Set<() => void>()
  const texts = { stdout: "", stderr: "" }
  child.stderr.on("data", (chunk) => {
    texts.stderr += chunk
  })
  createInterface({ input: child.stdout }).on("line", (line) => {
    texts.stdout += `${line}\n`
    if (line.startsWith("{")) log.push(JSON.parse(line))
    for (const look of watchers) look()
  })
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, ...texts }) as Ended)
  const line = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const found = log.find(fits)
        if (!found) return
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      ended.then(({ code, stderr }) => reject(new Error(`the server ended with code ${code}: ${stderr}`)))
      look()
    })
  return {
    pid: child.pid as number,
    log,
    ended,
    line,
    address: async () => String((await line(({ msg }) => msg.startsWith("ready"))).address),
    signal: (signal) => {
      child.kill(signal)
    },
  }
}

/** Creates a temporary data folder for server processes with the embedded database. */
export async function embeddedFolder() {
  const dataDir = await throwawayFolder()
  const cluster = join(dataDir, "postgres", "data")
  return {
    dataDir,
    /** Returns the process id of the database, if it runs. */
    postmaster: () => findPostmaster(cluster),
    /** Runs `work` with a connection to the running database, as if from psql. */
    async withSql<Result>(work: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
      const socket = await openSocketPath(cluster)
      const sql = postgres({ ...connectionTo(socket.folder), max: 2, onnotice: () => {} })
      return await work(sql).finally(async () => {
        await sql.end({ timeout: 1 })
        await socket.close()
      })
    },
    /** Stops the database and removes the folder. */
    async end() {
      await stopPostmaster(cluster)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
