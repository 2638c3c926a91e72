import { join } from "node:path"
import { type Cpu, runProgram } from "../processes.js"

/** Runs a loop of `bench/` in a separate process and returns its iterations per second. */
export async function loop(file: string, args: readonly string[], cpu?: Cpu): Promise<number> {
  const nodeArgs = ["--import", "tsx", join(import.meta.dirname, "..", file), ...args]
  const out = await runProgram({ command: process.execPath, args: nodeArgs, cpu })
  return (JSON.parse(out) as { perSecond: number }).perSecond
}
