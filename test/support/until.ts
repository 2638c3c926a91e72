import { setTimeout as delay } from "node:timers/promises"

/** Asks every 20 ms until the answer is neither undefined nor false (a failure is no answer yet); after `ms` it fails with `what`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  ms = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + ms
  for (let cause: unknown; ; await delay(20)) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`, { cause })
  }
}
