import type { ChildProcess } from "node:child_process"
import { subscribe } from "node:diagnostics_channel"

const children = new Set<ChildProcess>()

// Node announces every process that this one starts. PostgreSQL (`-D FOLDER`) is stopped with its folder: see postgres.ts.
subscribe("child_process", (message) => {
  const { process: child } = message as { process: ChildProcess }
  children.add(child)
  child.once("exit", () => children.delete(child))
})
process.once("exit", () => endChildren())

/** The running child processes of this process, except PostgreSQL. */
export function runningChildren(): ReadonlySet<ChildProcess> {
  return new Set([...children].filter((child) => child.pid !== undefined && !child.spawnargs.includes("-D")))
}

/** Kills the running child processes, each with the process group that it leads, except those in `except`. */
export function endChildren(except: ReadonlySet<ChildProcess> = new Set()): void {
  for (const child of runningChildren())
    if (!except.has(child) && !killGroup(child.pid as number)) child.kill("SIGKILL")
}

/** Kills the process group that `leader` leads; returns false if there is none. */
export function killGroup(leader: number): boolean {
  try {
    return process.kill(-leader, "SIGKILL")
  } catch {
    return false
  }
}
