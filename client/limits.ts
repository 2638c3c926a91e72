import type { CallOptions, ConnectOptions } from "./options.js"

/** Throws a TypeError for options of a connection that are no such numbers. */
export function assertConnectOptions({ timeoutMs, keepaliveMs, keepaliveTimeoutMs }: ConnectOptions): void {
  assertMs("timeoutMs", timeoutMs)
  assertMs("keepaliveMs", keepaliveMs)
  assertMs("keepaliveTimeoutMs", keepaliveTimeoutMs)
}

/** The deadline of a call that may take so long, as grpc-js takes it. Throws a TypeError for what is no time. */
export function deadlineIn(timeoutMs: NonNullable<CallOptions["timeoutMs"]>): { deadline?: number } {
  assertMs("timeoutMs", timeoutMs)
  // grpc-js throws where nobody can catch it for more than 100,000,000 hours.
  return timeoutMs > LONGEST_MS ? {} : { deadline: Date.now() + timeoutMs }
}

/** A delay that a timer of Node.js can have: a longer one would fire at once. */
export function timerMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}

/** A hundred years. What takes longer has no deadline. */
const LONGEST_MS = 36_500 * 86_400_000

/** Throws a TypeError for what is no number of milliseconds above 0. */
export function assertMs(name: string, ms: unknown): void {
  if (ms === undefined || (typeof ms === "number" && ms > 0)) return
  throw new TypeError(`${name} is ${shown(ms)}; it must be a number of milliseconds above 0, or Infinity`)
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value)
}
