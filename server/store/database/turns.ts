/** Lets `atOnce` pieces of work go on at once; the others wait in the order in which they came. */
export function createTurns(atOnce: number) {
  const waiting: (() => void)[] = []
  let going = 0
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (going >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else going++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else going--
    }
  }
}
