import { startTimer } from "./timer.js"

/** Wakes waiters when something happens. It carries no value: check the state after waking. */
export interface Signal {
  /** Wakes all waiters. Without waiters, the next `wait` resolves at once. */
  notify(): void
  /**
   * Resolves with true at the next `notify`, or at once after a `notify` without waiters; with false after `ms` milliseconds.
   */
  wait(ms?: number): Promise<boolean>
}

/** Creates a signal that is not notified yet. */
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
