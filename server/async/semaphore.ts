/** Runs work once a permit is free, and gives the work's result. */
export type Semaphore = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * A semaphore: lets `permits` pieces of work run at once; the others wait and start in the order they came. Work that fails
 * frees its permit too.
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
      // The permit passes to the next in line directly, so that nobody who comes now can overtake it.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
