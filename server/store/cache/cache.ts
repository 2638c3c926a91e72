import QuickLRU from "quick-lru"
import type { Change } from "../feed/changes.js"
import type { Feed } from "../feed/feed.js"

/** What is stored, in memory by its id; `null` stands for "none is stored". */
export interface Cache<Value> {
  /** From memory while that is fresh, else from the database: one read per id, however many wait for it. */
  get(id: string): Promise<Value | null> | Value | null
  /** From the database, by a read that begins now; memory keeps what it finds. */
  renew(id: string): Promise<Value | null>
  /** Forgets these ids; reads of them that are under way will not be kept. */
  invalidate(ids: Iterable<string>): void
  /** Forgets what is older than this change of the id; a read of it that is under way will not be kept. */
  changed(id: string, revision: bigint): void
  /** Forgets everything. */
  clear(): void
  /** How it does. */
  readonly state: CacheState
}

/** How a cache does. */
export interface CacheState {
  /** How many values are kept; counting takes as long as it takes to look at half of them. */
  readonly size: number
  /** Reads that were answered from memory since the start. */
  readonly hits: number
  /** Reads that were not, those that joined others included. */
  readonly misses: number
}

/** What a cache is made of. */
export interface CacheOptions<Value> {
  /** Most values that are kept (and as many answers that nothing is stored); 0 keeps none. */
  entries: number
  /** How long others may join a read that is under way, in milliseconds. */
  maxAgeMs: number
  /** Until when memory is fresh enough to be served, by `performance.now()`; the feed says so. */
  feed: { readonly freshUntil: number }
  /** Reads one. */
  read(id: string): Promise<Value | null>
  /** What one weighs. */
  bytesOf(value: Value): number
}

interface Flight<Value> {
  answer: Promise<Value | null>
  /** A stopped process finds answers of long ago when it wakes up: no later reader gets them. */
  freshUntil: number
}

/** Larger values are read from the database each time. */
const MAX_ENTRY_BYTES = 64 * 1024

/** A cache whose entries stay until they are pushed out, by newer ones or by word of a change. */
export function createCache<Value extends { revision: bigint }>(options: CacheOptions<Value>): Cache<Value> {
  const { maxAgeMs, feed, read, bytesOf } = options
  const values = createKept<Value>(options.entries)
  const absences = createKept<true>(options.entries)
  const flights = new Map<string, Flight<Value>>()
  let hits = 0
  let misses = 0

  const keep = (id: string, value: Value | null) => {
    values?.delete(id)
    absences?.delete(id)
    if (value === null) absences?.set(id, true)
    else if (bytesOf(value) <= MAX_ENTRY_BYTES) values?.set(id, value)
  }

  const fly = (id: string): Promise<Value | null> => {
    const flight: Flight<Value> = { answer: read(id), freshUntil: performance.now() + maxAgeMs }
    flights.set(id, flight)
    flight.answer.then(
      (value) => {
        // A flight that was invalidated is no longer in the map: what it read may be from before the change.
        if (flights.get(id) !== flight) return
        flights.delete(id)
        keep(id, value)
      },
      () => flights.get(id) === flight && flights.delete(id),
    )
    return flight.answer
  }

  return {
    get: (id) => {
      const now = performance.now()
      if (now < feed.freshUntil) {
        const value = values?.get(id)
        if (value !== undefined) {
          hits++
          return value
        }
        if (absences?.get(id)) {
          hits++
          return null
        }
      }
      misses++
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
    changed: (id, revision) => {
      // A change of this process was forgotten before, and may have been read anew since.
      const known = values?.peek(id)
      if (known && known.revision < revision) values?.delete(id)
      absences?.delete(id)
      flights.delete(id)
    },
    clear: () => {
      values?.clear()
      absences?.clear()
      flights.clear()
    },
    state: {
      get size() {
        return values?.size ?? 0
      },
      get hits() {
        return hits
      },
      get misses() {
        return misses
      },
    },
  }
}

/** Has the cache forget what the feed tells of, before the feed stands past it. */
export function followFeed(cache: Cache<unknown>, feed: Feed, kind: Change["kind"]): void {
  feed.onAdvance(({ changes, forget }) => {
    if (forget) cache.clear()
    for (const change of changes) if (change.kind === kind) cache.changed(change.id, change.revision)
  })
}

/** quick-lru keeps up to twice its maxSize. */
function createKept<Kept>(entries: number) {
  return entries > 0
    ? new QuickLRU<string, Kept>({ maxSize: Math.max(1, Math.floor(entries / 2)) })
    : undefined
}
