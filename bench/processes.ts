import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { setTimeout as delay } from "node:timers/promises"

/** A core that processes are pinned to; undefined: none, the system chooses. */
export type Cpu = "server" | "load" | undefined

/** What to start. */
export interface ProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly cpu?: Cpu
  /** Where it writes what it says, both of its streams. */
  readonly logFile: string
}

/** A process that this run started. */
export interface Running {
  readonly pid: number
  /** What it said so far. */
  readonly logFile: string
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>
  /** What `find` finds in what the process said; throws if the process ends or half a minute passes before. */
  said<Found>(find: (text: string) => Found | undefined): Promise<Found>
  /** SIGTERM, and SIGKILL to what does not go. */
  end(): Promise<void>
}

/** Most that a process may take to be ready. */
const READY_MS = 30_000
/** Most that a process may take to end. */
const END_MS = 20_000

/** Starts a process, pinned to its core where there are two and `taskset` is there. */
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
  const said = async <Found>(find: (text: string) => Found | undefined): Promise<Found> => {
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
  return { pid: child.pid ?? 0, logFile, ended, said, end }
}

/** Runs a program to its end and gives what it wrote on standard output; throws for another exit code than 0. */
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
    : "no process is pinned (it takes two cores and taskset)"
}

/** Our environment without what it says of some other registry or database. */
export function bareEnvironment(settings: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL$|PG[A-Z]|TRUST_REGISTRY_|NODE_OPTIONS$|npm_)/.test(name),
  )
  return { ...Object.fromEntries(others), ...settings }
}

/** Whether a program can be started at all. */
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
