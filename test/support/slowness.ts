import { spawn } from "node:child_process"
import { once } from "node:events"

/** How long starting a process takes on the machine for which the time limits in the tests are written. */
const UNIT_MS = 100
/** Beyond this a limit would no longer be one. */
const MOST = 10

let slowness = 1

/** Scales a time limit of `ms` milliseconds by how slow the machine was when last measured; never shortens it. */
export function scaled(ms: number): number {
  return Math.round(ms * slowness)
}

/** Measures how slow the machine is at this moment by starting a process, for {@link scaled}. */
export async function measureSlowness(): Promise<void> {
  const began = performance.now()
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit")
  slowness = Math.min(MOST, Math.max(1, (performance.now() - began) / UNIT_MS))
}
