import { scaled } from "./slowness.js"

/** What comes of work, and the longest that it held the event loop, in milliseconds of processor time. */
export async function held<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; longest: number }> {
  let longest = 0
  let done = false
  let last = processorMs()
  const tick = () => {
    const now = processorMs()
    longest = Math.max(longest, now - last)
    last = now
    if (!done) setImmediate(tick)
  }
  setImmediate(tick)
  const result = await work()
  tick()
  done = true
  return { result, longest }
}

// What other processes take does not count, what garbage collection takes on other threads does.
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** How long work may hold the loop here: 20 ms are promised, beside which there is garbage collection. */
export const heldMs = () => scaled(60)
