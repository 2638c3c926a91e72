import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"

/** Whether any process has that pid, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Whether the process was started with these arguments, consecutive and not the last ones; a zombie has none. */
export async function hasArguments(pid: number, args: readonly string[]): Promise<boolean> {
  const between = process.platform === "linux" ? "\0" : " "
  return (await commandLine(pid)).includes(["", ...args, ""].join(between))
}

async function commandLine(pid: number) {
  if (process.platform === "linux") return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
  const listed = promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)])
  return (await listed.catch(() => ({ stdout: "" }))).stdout
}
