/** Runs work once a permit is free, and returns the work's result. */
export type Semaphore = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * Creates a semaphore: at most `permits` pieces of work run at once; the others wait and start in order of arrival. Work that
 * fails frees its permit too.
 */
export function createSemaphore(permits: number): Semaphore {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < permits) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // Passes the permit directly to the next in line, so that a new arrival cannot overtake it.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
