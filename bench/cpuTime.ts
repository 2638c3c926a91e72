import { readdir, readFile } from "node:fs/promises"

/** The CPU time that a process has used, in seconds; Linux only. */
export async function cpuSeconds(pid: number): Promise<number> {
  const { ticks } = await statOf(pid)
  return ticks / TICKS_A_SECOND
}

/** The CPU time of all children of a process, for example the backends of a PostgreSQL, in seconds. */
export async function cpuSecondsOfChildren(pid: number): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
  const stats = await Promise.all(pids.map((child) => statOf(child).catch(() => undefined)))
  const ticks = stats.map((stat) => (stat?.parent === pid ? stat.ticks : 0))
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND
}

/** The unit of /proc/PID/stat, independent of the kernel's tick rate. */
const TICKS_A_SECOND = 100

/** The fields of proc(5) after the name, which may contain any character. */
async function statOf(pid: number) {
  const text = await readFile(`/proc/${pid}/stat`, "utf8")
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}
