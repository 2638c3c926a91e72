import QuickLRU from "quick-lru"
import { orAbort } from "../../async/orAbort.js"
import type { Reading } from "../database/reads.js"
import type { Change } from "../feed/changes.js"
import type { Feed } from "../feed/feed.js"

/** Stored values in memory, by id. `null` means that none is stored; that is cached too. */
export interface Cache<Value> {
  /** From memory while that is fresh, else from the database, with one read per id for all concurrent callers. */
  get(id: string): Promise<Value | null> | Value | null
  /**
   * From the database, by a read that starts after this call: callers share one that waits for its turn. Rejects with the signal's
   * reason, and a read that nobody waits for any more does not start. Memory keeps what is found.
   */
  renew(id: string, signal?: AbortSignal): Promise<Value | null>
  /** From memory while that is fresh; undefined for what is not there. */
  peek(id: string): Value | null | undefined
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
  read(id: string, reading: Reading): Promise<Value | null>
  /** The size of a value, in bytes. */
  bytesOf(value: Value): number
}

interface Flight<Value> {
  answer: Promise<Value | null>
  /** A process that was stopped may find an old answer when it resumes; no later reader may get that. */
  freshUntil: number
  /** Whether its statement has started, so that it may miss what is written from now on. */
  started: boolean
  /** How many wait for it. */
  askers: number
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

  const fly = (id: string): Flight<Value> => {
    const flight: Flight<Value> = {
      answer: read(id, {
        begin: () => {
          flight.started = true
          if (flight.askers > 0) return true
          if (flights.get(id) === flight) flights.delete(id)
          return false
        },
      }),
      freshUntil: performance.now() + maxAgeMs,
      started: false,
      askers: 0,
    }
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
    return flight
  }
  const ofMemory = (id: string, now: number) => {
    if (now >= feed.freshUntil) return undefined
    return values?.get(id) ?? (absences?.get(id) ? null : undefined)
  }

  return {
    get: (id) => {
      const now = performance.now()
      const kept = ofMemory(id, now)
      if (kept !== undefined) {
        hits++
        return kept
      }
      misses++
      const known = flights.get(id)
      const flight = known && now < known.freshUntil ? known : fly(id)
      flight.askers++
      return flight.answer
    },
    renew: (id, signal) => {
      const known = flights.get(id)
      return ask(known?.started === false ? known : fly(id), signal)
    },
    peek: (id) => {
      const kept = ofMemory(id, performance.now())
      if (kept !== undefined) hits++
      return kept
    },
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

/** The answer of a flight for one more, who may leave. */
async function ask<Value>(flight: Flight<Value>, signal: AbortSignal | undefined): Promise<Value | null> {
  flight.askers++
  if (signal === undefined) return await flight.answer
  try {
    return await orAbort(flight.answer, signal)
  } finally {
    flight.askers--
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
