/**
 * Waits for a turn of the event loop that no other waiter has: many long checks at once hold the loop for one slice of one of
 * them at a time, while setImmediate alone would run a slice of each before anything else.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(serveOne)
  })
}

/** Works through items, so many before others have their turn. */
export async function eachInTurns<Item>(
  items: Iterable<Item>,
  slice: number,
  work: (item: Item) => void,
): Promise<void> {
  let done = 0
  for (const item of items) {
    work(item)
    if (++done % slice === 0) await nextTurn()
  }
}

/** Items in slices of that size; others have their turn before each that is full. */
export async function* slicesOf<Item>(items: Iterable<Item>, size: number): AsyncIterable<Item[]> {
  let slice: Item[] = []
  for (const item of items) {
    slice.push(item)
    if (slice.length < size) continue
    await nextTurn()
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

// Whoever adds the first sets the turn, and each turn the next while there are more.
const waiting: (() => void)[] = []

function serveOne(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(serveOne)
}
