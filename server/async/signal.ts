import { startTimer } from "./timer.js"

/** Wakes whoever waits for something to happen. It carries no value: check afterwards what happened. */
export interface Signal {
  /** Wakes all that wait. If nobody does, the next wait ends at once. */
  notify(): void
  /**
   * Resolves with true at the next `notify`, or at once if there was one that nobody waited for; with false after `ms`
   * milliseconds.
   */
  wait(ms?: number): Promise<boolean>
}

/** A signal that was not notified yet. */
export function createSignal(): Signal {
  const waiting = new Set<() => void>()
  let pending = false
  return {
    notify: () => {
      pending = waiting.size === 0
      for (const wake of waiting) wake()
      waiting.clear()
    },
    wait: (ms = Number.POSITIVE_INFINITY) => {
      if (pending) {
        pending = false
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const cancel =
          ms === Number.POSITIVE_INFINITY
            ? () => undefined
            : startTimer(ms, () => {
                waiting.delete(wake)
                resolve(false)
              })
        const wake = () => {
          cancel()
          resolve(true)
        }
        waiting.add(wake)
      })
    },
  }
}
