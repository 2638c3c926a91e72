/*
 * Long work lets others use the event loop: it asks now and then whether the turn is over, and if so waits for another. All
 * work shares the time of a turn, so that many questions together hold the loop no longer than one. The clock serves for
 * that only; no verdict depends on it.
 */

// How long a turn is, in milliseconds: short beside the 20 ms that a call may be held up, long beside what a turn costs.
const TURN_MS = 4

/** Whether the work of this turn has taken so long that others should have the event loop. */
export function isTurnOver(): boolean {
  const now = performance.now()
  if (began === undefined) {
    began = now
    schedule()
    return false
  }
  return now - began >= TURN_MS
}

/** Waits for another turn if this one is over. Gives no promise otherwise, since waiting for one costs time as well. */
export function takeTurn(): Promise<void> | undefined {
  return isTurnOver() ? nextTurn() : undefined
}

/**
 * Waits for a turn of the event loop of its own: while many long checks run at once, each turn goes to one of them. With
 * setImmediate alone, a turn would run a slice of each before anything else.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    schedule()
  })
}

// How many records are looked at between two looks at the clock.
const RECORDS_PER_LOOK = 32

/** Counts the records that a long check has looked at, and waits for another turn when this one is over. */
export function createTurns(): (records: number) => Promise<void> | undefined {
  let done = 0
  return (records) => {
    done += records
    if (done < RECORDS_PER_LOOK) return undefined
    done = 0
    return takeTurn()
  }
}

/** Runs work that yields wherever it can be interrupted. Gives what it returns, as a promise only if it took another turn. */
export function inTurns<Result>(work: Iterator<unknown, Result>): Result | Promise<Result> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (isTurnOver()) return afterTurns(work)
  }
}

async function afterTurns<Result>(work: Iterator<unknown, Result>): Promise<Result> {
  for (;;) {
    await nextTurn()
    do {
      const step = work.next()
      if (step.done === true) return step.value
    } while (!isTurnOver())
  }
}

/** The same, without interruption. */
export function atOnce<Result>(work: Iterator<unknown, Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** The items, each mapped, with turns between those that take long. */
export async function mapInTurns<Item, Mapped>(items: Iterable<Item>, map: (item: Item) => Mapped) {
  const mapped: Mapped[] = []
  for (const item of items) {
    mapped.push(map(item))
    if (isTurnOver()) await nextTurn()
  }
  return mapped
}

/** Cuts items into slices of that size, and waits for another turn, if this one is over, before it gives a full one. */
export async function* slicesOf<Item>(items: Iterable<Item>, size: number): AsyncIterable<Item[]> {
  let slice: Item[] = []
  for (const item of items) {
    slice.push(item)
    if (slice.length < size) continue
    if (isTurnOver()) await nextTurn()
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

const waiting: (() => void)[] = []
let scheduled = false
// When the work of the current turn began; undefined until something asks.
let began: number | undefined

// The microtasks of the one that goes on run between the two, and what comes in over the network after both.
function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(beginTurn)
  setImmediate(endTurn)
}

function beginTurn(): void {
  began = performance.now()
  waiting.shift()?.()
}

function endTurn(): void {
  began = undefined
  scheduled = false
  if (waiting.length > 0) schedule()
}
