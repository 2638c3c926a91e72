import QuickLRU from "quick-lru"
import type { Change } from "../feed/changes.js"
import type { Feed } from "../feed/feed.js"

/** Stored values in memory, by id. `null` means that none is stored; that is cached too. */
export interface Cache<Value> {
  /** From memory while that is fresh, else from the database, with one read per id for all concurrent callers. */
  get(id: string): Promise<Value | null> | Value | null
  /** From the database, by a read that starts now. Memory keeps what it finds. */
  renew(id: string): Promise<Value | null>
  /** Drops these ids. Reads of them that are under way are not kept. */
  invalidate(ids: Iterable<string>): void
  /** Drops what is older than this change of the id. A read of it that is under way is not kept. */
  changed(id: string, revision: bigint): void
  /** Drops everything. */
  clear(): void
  /** Size and hit counts. */
  readonly state: CacheState
}

/** Size and hit counts of a cache. */
export interface CacheState {
  /** How many values are cached. Counting visits half of them. */
  readonly size: number
  /** Reads answered from memory since the start. */
  readonly hits: number
  /** Reads not answered from memory since the start, including those that joined another read. */
  readonly misses: number
}

/** Where a cache reads from, and its limits. */
export interface CacheOptions<Value> {
  /** Most cached values, and as many cached absences; 0 disables the cache. */
  entries: number
  /** How long after its start callers may join a read, in milliseconds. */
  maxAgeMs: number
  /** Knows until when memory is fresh enough to be served, by `performance.now()`. */
  feed: { readonly freshUntil: number }
  /** Reads one value from the database. */
  read(id: string): Promise<Value | null>
  /** The size of a value, in bytes. */
  bytesOf(value: Value): number
}

interface Flight<Value> {
  answer: Promise<Value | null>
  /** A process that was stopped may find an old answer when it resumes; no later reader may get that. */
  freshUntil: number
}

/** Larger values are not cached, in bytes. */
const MAX_ENTRY_BYTES = 64 * 1024

/** A cache whose entries stay until newer ones or a change evict them. */
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
        // An invalidated flight is no longer in the map: it may have read the value from before the change.
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
      // A change made by this process was dropped when it was written, and may have been read again since.
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

/** Drops what the feed reports as changed, before the feed's position passes it. */
export function followFeed(cache: Cache<unknown>, feed: Feed, kind: Change["kind"]): void {
  feed.onAdvance(({ changes, forget }) => {
    if (forget) cache.clear()
    for (const change of changes) if (change.kind === kind) cache.changed(change.id, change.revision)
  })
}

/** quick-lru holds up to twice its maxSize. */
function createKept<Kept>(entries: number) {
  return entries > 0
    ? new QuickLRU<string, Kept>({ maxSize: Math.max(1, Math.floor(entries / 2)) })
    : undefined
}
