/** Does work, at most so much of it at once; more waits its turn. */
export function createSlots(most: number): <Answer>(work: () => Promise<Answer>) => Promise<Answer> {
  const waiting: (() => void)[] = []
  let taken = 0
  const next = () => {
    const go = waiting.shift()
    if (go) go()
    else taken--
  }
  return async (work) => {
    if (taken < most) taken++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    return await work().finally(next)
  }
}
