import { spawn } from "node:child_process"
import { once } from "node:events"

/** How long starting a process takes on the machine that the limits in the tests are written for. */
const UNIT_MS = 100

let slowness = 1

/** A time limit for this machine: `ms` as written, or as many times longer as the machine was found slower or busier. */
export function scaled(ms: number): number {
  return Math.round(ms * slowness)
}

/** Finds how slow the machine is at this moment, for {@link scaled}, by starting a process. */
export async function measureSlowness(): Promise<void> {
  const began = performance.now()
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit")
  slowness = Math.max(1, (performance.now() - began) / UNIT_MS)
}
