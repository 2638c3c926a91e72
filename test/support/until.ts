import { setTimeout as delay } from "node:timers/promises"

/** Asks again every 20 ms until the answer is not undefined or false (a rejection counts as no answer yet); fails with `what` after `ms`. */
export async function until<T>(what: string, ask: () => Promise<T> | T, ms = 10_000): Promise<T & {}> {
  const deadline = performance.now() + ms
  for (;;) {
    const answer = await Promise.resolve().then(ask).catch(keep)
    if (answer !== undefined && answer !== false && !(answer instanceof Failure)) return answer as T & {}
    if (performance.now() > deadline) {
      const cause = answer instanceof Failure ? answer.error : undefined
      throw new Error(`not within ${ms} ms: ${what}`, { cause })
    }
    await delay(20)
  }
}

class Failure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

function keep(error: unknown) {
  return new Failure(error)
}
