import { setTimeout as delay } from "node:timers/promises"
import { measureSlowness, scaled } from "./slowness.js"

/**
 * Calls `ask` every 20 ms until it returns something other than undefined or false; an error counts as no answer. Fails
 * with `what` after `ms`, scaled by how slow the machine is at that moment.
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
