import { setTimeout as delay } from "node:timers/promises"
import { measureSlowness, scaled } from "./slowness.js"

/**
 * Asks every 20 ms until the answer is neither undefined nor false (a failure is no answer yet). Fails with `what` after
 * `ms`, or later where the machine turns out to be slow or busy by then.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  ms = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const began = performance.now()
  for (let cause: unknown; ; await delay(20)) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    } catch (error) {
      cause = error
    }
    if (performance.now() - began < scaled(ms)) continue
    await measureSlowness()
    const limitMs = scaled(ms)
    if (performance.now() - began > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`, { cause })
  }
}
