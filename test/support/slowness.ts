import { spawn } from "node:child_process"
import { once } from "node:events"

/** How long starting a process takes, in milliseconds, on the machine that the tests' time limits are written for. */
const UNIT_MS = 100
/** The maximum factor, so that limits remain meaningful. */
const MOST = 10

let slowness = 1

/** Scales a time limit of `ms` milliseconds by how slow the machine was when last measured; never shortens it. */
export function scaled(ms: number): number {
  return Math.round(ms * slowness)
}

/** Measures how slow the machine is now by starting a process, for {@link scaled}. */
export async function measureSlowness(): Promise<void> {
  const began = performance.now()
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit")
  slowness = Math.min(MOST, Math.max(1, (performance.now() - began) / UNIT_MS))
}
