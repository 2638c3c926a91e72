import { readFileSync } from "node:fs"
import { scaled } from "./slowness.js"

/** What comes of work, and the longest that it held the event loop, in milliseconds of processor time. */
export async function held<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; longest: number }> {
  const watch = loopWatch()
  const result = await work()
  const longest = watch.take()
  watch.end()
  return { result, longest }
}

/** Watches how long the event loop of this process is held between two turns. */
export function loopWatch() {
  let longest = 0
  let last = processorMs()
  const tick = () => {
    const now = processorMs()
    longest = Math.max(longest, now - last)
    last = now
  }
  // Due in each turn of a loop that works, and nothing while it is idle.
  const timer = setInterval(tick, 1)
  return {
    /** The longest since the last call, in milliseconds of processor time. */
    take: () => {
      const now = processorMs()
      const taken = Math.max(longest, now - last)
      longest = 0
      last = now
      return taken
    },
    end: () => clearInterval(timer),
  }
}

// Where Linux tells it, of this thread alone, in steps of a few milliseconds: neither what other processes take counts, nor what
// garbage collection takes on other threads.
const OF_THREAD = `/proc/${process.pid}/task/${process.pid}/schedstat`

function processorMs(): number {
  try {
    return Number(readFileSync(OF_THREAD, "utf8").split(" ")[0]) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

/** How long work may hold the loop here: 20 ms are promised, beside which there is garbage collection. */
export const heldMs = () => scaled(30)
