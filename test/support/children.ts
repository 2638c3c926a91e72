import type { ChildProcess } from "node:child_process"
import { subscribe } from "node:diagnostics_channel"

const children = new Set<ChildProcess>()

// Whoever starts a process, in a test or below it, Node announces it here. PostgreSQL (`-D FOLDER`) ends with its folder.
subscribe("child_process", (message) => {
  const { process: child } = message as { process: ChildProcess }
  children.add(child)
  child.once("exit", () => children.delete(child))
})
process.once("exit", () => endChildren())

/** The child processes of this process that run, but for PostgreSQL. */
export function runningChildren(): ReadonlySet<ChildProcess> {
  return new Set([...children].filter((child) => child.pid !== undefined && !child.spawnargs.includes("-D")))
}

/** Kills the child processes that still run, each with its process group if it leads one, but for those in `except`. */
export function endChildren(except: ReadonlySet<ChildProcess> = new Set()): void {
  for (const child of runningChildren())
    if (!except.has(child) && !killGroup(child.pid as number)) child.kill("SIGKILL")
}

/** Kills a process and all in the group that it leads; false where there is no such group. */
export function killGroup(leader: number): boolean {
  try {
    return process.kill(-leader, "SIGKILL")
  } catch {
    return false
  }
}
