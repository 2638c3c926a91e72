import QuickLRU from "quick-lru"

/** What is stored, in memory by its id; `null` stands for "none is stored". */
export interface Cache<Value> {
  /** From memory if it is fresh, else from the database: one read per id, however many wait for it. */
  get(id: string): Promise<Value | null> | Value | null
  /** From the database, by a read that begins now; memory keeps what it finds. */
  renew(id: string): Promise<Value | null>
  /** Forgets these ids; reads of them that are under way will not be kept. */
  invalidate(ids: Iterable<string>): void
}

interface Entry<Value> {
  value: Value | null
  /** Until when it may be served, by the monotonic clock, which goes on while a process is stopped. */
  freshUntil: number
}

interface Flight<Value> {
  answer: Promise<Value | null>
  /** As in the entry it becomes. A stopped process finds answers of long ago when it wakes up: no later reader gets them. */
  freshUntil: number
}

/** Larger values are read from the database each time. */
const MAX_ENTRY_BYTES = 64 * 1024

/**
 * @param entries most values that are kept (and as many answers that nothing is stored); 0 keeps none
 * @param maxAgeMs how long one is served, counted from when it was asked of the database
 * @param read reads one
 * @param bytesOf what one weighs
 */
export function createCache<Value>(
  entries: number,
  maxAgeMs: number,
  read: (id: string) => Promise<Value | null>,
  bytesOf: (value: Value) => number,
): Cache<Value> {
  const values = createKept<Entry<Value>>(entries)
  const absences = createKept<Entry<Value>>(entries)
  const flights = new Map<string, Flight<Value>>()

  const fly = (id: string): Promise<Value | null> => {
    const freshUntil = performance.now() + maxAgeMs
    const flight: Flight<Value> = { answer: read(id), freshUntil }
    flights.set(id, flight)
    flight.answer.then(
      (value) => {
        // A flight that was invalidated is no longer in the map: what it read may be from before the change.
        if (flights.get(id) !== flight) return
        flights.delete(id)
        if (value === null) absences?.set(id, { value, freshUntil })
        else if (bytesOf(value) <= MAX_ENTRY_BYTES) values?.set(id, { value, freshUntil })
      },
      () => flights.get(id) === flight && flights.delete(id),
    )
    return flight.answer
  }

  return {
    get: (id) => {
      const now = performance.now()
      const entry = values?.get(id) ?? absences?.get(id)
      if (entry && now < entry.freshUntil) return entry.value
      const flight = flights.get(id)
      return flight && now < flight.freshUntil ? flight.answer : fly(id)
    },
    renew: fly,
    invalidate: (ids) => {
      for (const id of ids) {
        values?.delete(id)
        absences?.delete(id)
        flights.delete(id)
      }
    },
  }
}

/** quick-lru keeps up to twice its maxSize. */
function createKept<Kept>(entries: number) {
  return entries > 0
    ? new QuickLRU<string, Kept>({ maxSize: Math.max(1, Math.floor(entries / 2)) })
    : undefined
}
