import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"

/** Kills a process with SIGKILL; throws if there is none. */
export async function kill(pid: number | undefined) {
  if (pid === undefined) throw new Error("nothing to kill")
  process.kill(pid, "SIGKILL")
}

/** Kills a process and all its children at once, as the kernel does when memory runs out. */
export async function killAll(pid: number | undefined) {
  const children = await childrenOf(pid)
  await kill(pid)
  for (const child of children) await kill(child).catch(() => undefined)
}

/** Returns the ids of a process's running children. */
export async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")
  // An empty text would become process id 0, which is this whole process group.
  return text
    .split(" ")
    .filter((word) => Number(word) > 0)
    .map(Number)
}

/** Kills the process group of a child started `detached`, unless it has exited. */
export async function killGroup(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  process.kill(-child.pid, "SIGKILL")
  await once(child, "exit")
}
