/**
 * Waits for a turn of the event loop of its own: while many long checks run at once, each turn runs one slice of one of
 * them. With setImmediate alone, a turn would run a slice of each before anything else.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(runOne)
  })
}

// How many records are looked at in one turn.
const RECORDS_PER_TURN = 32

/** Counts the records that a long check has looked at, and waits for the next turn after every 32. */
export function createTurns(): (records: number) => Promise<void> {
  let done = 0
  return async (records) => {
    done += records
    if (done < RECORDS_PER_TURN) return
    done = 0
    await nextTurn()
  }
}

/** Works through items, with a turn of the event loop after each slice of that size. */
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

/** Cuts items into slices of that size, and waits for the next turn before it gives a full one. */
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

// The first waiter starts the turns; each turn starts the next one while somebody waits.
const waiting: (() => void)[] = []

function runOne(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(runOne)
}
