import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { setTimeout as delay } from "node:timers/promises"

/** The core that a process is pinned to; undefined leaves the choice to the system. */
export type Cpu = "server" | "load" | undefined

/** How to start a process. */
export interface ProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly cpu?: Cpu
  /** The file for standard output and standard error. */
  readonly logFile: string
}

/** A process that this run started. */
export interface Running {
  readonly pid: number
  /** The file with its output. */
  readonly logFile: string
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>
  /** Waits until `find` finds something in the output; throws if the process ends first, or after half a minute. */
  untilOutput<Found>(find: (text: string) => Found | undefined): Promise<Found>
  /** Sends SIGTERM, and SIGKILL if the process does not exit. */
  end(): Promise<void>
}

/** The longest a process may take to become ready. */
const READY_MS = 30_000
/** The longest a process may take to exit. */
const END_MS = 20_000

/** Starts a process, pinned to its core if the machine has two and `taskset` is installed. */
export function startProcess(options: ProcessOptions): Running {
  const { logFile } = options
  const log = openSync(logFile, "a")
  const [command, args] = pinned(options)
  const child = spawn(command, args, {
    env: options.env ?? bareEnvironment(),
    cwd: options.cwd,
    stdio: ["ignore", log, log],
  })
  closeSync(log)
  const ended = endOf(child)
  let over = false
  const whenOver = ended.then(() => {
    over = true
  })
  const untilOutput = async <Found>(find: (text: string) => Found | undefined): Promise<Found> => {
    const giveUpAt = performance.now() + READY_MS
    for (;;) {
      const last = over || performance.now() > giveUpAt
      const text = await readFile(logFile, "utf8")
      const found = find(text)
      if (found !== undefined) return found
      if (last)
        throw new Error(`${options.command} ${options.args.join(" ")} was not ready:\n${text.slice(-2_000)}`)
      await delay(5)
    }
  }
  const end = async () => {
    child.kill("SIGTERM")
    const stubborn = setTimeout(() => child.kill("SIGKILL"), END_MS)
    await whenOver
    clearTimeout(stubborn)
  }
  return { pid: child.pid ?? 0, logFile, ended, untilOutput, end }
}

/** Runs a program to completion and returns its standard output; throws for an exit code other than 0. */
export async function runProgram(options: Omit<ProcessOptions, "logFile">): Promise<string> {
  const [command, args] = pinned(options)
  const child = spawn(command, args, {
    env: options.env ?? bareEnvironment(),
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
  })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const code = await endOf(child)
  if (code !== 0)
    throw new Error(`${command} ${args.join(" ").slice(0, 500)} ended with ${code}: ${err.slice(-2_000)}`)
  return out
}

/** The cores that processes are pinned to, for the table. */
export function pinning(): string {
  return CORES
    ? `servers on core ${CORES.server}, load on core ${CORES.load}`
    : "no process is pinned (requires two cores and taskset)"
}

/** The environment of this process without variables that refer to another registry or database. */
export function bareEnvironment(settings: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL$|PG[A-Z]|TRUST_REGISTRY_|NODE_OPTIONS$|npm_)/.test(name),
  )
  return { ...Object.fromEntries(others), ...settings }
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0
}

const CORES =
  availableParallelism() > 1 && isInstalled("taskset") ? ({ server: "0", load: "1" } as const) : undefined

function pinned({ command, args, cpu }: Omit<ProcessOptions, "logFile">): [string, readonly string[]] {
  return CORES && cpu ? ["taskset", ["-c", CORES[cpu], command, ...args]] : [command, args]
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "close").catch((error: Error) => {
    throw new Error(`could not start: ${error.message}`)
  })
  return code as number | null
}
