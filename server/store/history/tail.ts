import { setTimeout as sleep } from "node:timers/promises"
import { mapInTurns } from "@trust-registry/eatp"
import { ErrorReason } from "@trust-registry/proto"
import { createSemaphore } from "../../async/semaphore.js"
import { createSignal } from "../../async/signal.js"
import { RegistryError } from "../../errors.js"
import { isUnavailable } from "../database/failures.js"
import type { Feed } from "../feed/feed.js"
import { eventOf, type HistoryEvent } from "./event.js"
import type { EventsPage, EventsQuery } from "./eventRows.js"
import { type Memory, memory } from "./tailMemory.js"

/** A batch of changes, in the order of their revisions. */
export interface Batch {
  events: HistoryEvent[]
  /** The revision to read on from: below it there are no changes but these. */
  next: bigint
}

/** Reads the changes of chains at its own pace. */
export interface TailReader {
  /**
   * A batch of changes from a revision on; undefined if there is none yet. Throws REVISION_COMPACTED if the history no longer
   * reaches back to it.
   */
  read(from: bigint): Promise<Batch | undefined>
  /** Resolves when there may be changes from that revision on, after `ms` milliseconds, or after `wake`. */
  changed(from: bigint, ms: number): Promise<void>
  /** Whether a reader that has read everything below that revision is up to date, as far as memory is fresh. */
  isCurrent(next: bigint): boolean
  /** Ends the wait of `changed`, or the next one. */
  wake(): void
  /** Ends reading. */
  close(): void
}

/** Serves the changes of chains to many readers. The newest are read once for all and held in memory, up to a number of bytes. */
export interface Tail {
  /** A new reader; `facts` for one that needs what filters ask about documents. */
  open(facts: boolean): TailReader
  /** Stops all readers. */
  close(): void
}

/** The size of a batch that a reader reads for itself, and of one that is read for all. */
const OWN_BATCH = { limit: 256, maxBytes: 256 * 1024 }
const SHARED_BATCH = { limit: 512, maxBytes: 1024 * 1024 }
/** Most readers that read for themselves at once; the others wait, so that lists and counts find a connection. */
const OWN_READS_AT_ONCE = 1
/** Pause after a shared read that failed. */
const RETRY_MS = 100

/**
 * A tail that follows the feed. It reads only while there are readers. A reader that is too far behind for what is in memory reads
 * the history for itself until it has caught up.
 */
export function createTail(feed: Feed, read: (query: EventsQuery) => Promise<EventsPage>): Tail {
  const readers = new Set<{ facts: boolean; wake(): void }>()
  const ownReads = createSemaphore(OWN_READS_AT_ONCE)
  let held: Memory | undefined
  let history = 0
  let pumping = false
  let closed = false

  const wakeAll = () => {
    for (const reader of readers) reader.wake()
  }
  const begin = () => {
    if (feed.age() !== Number.POSITIVE_INFINITY) held = memory(feed.position + 1n)
  }

  /** Reads for all readers up to the position of the feed. */
  const pump = async () => {
    if (pumping) return
    pumping = true
    while (!closed && held && held.next <= feed.position) {
      const into = held
      const position = feed.position
      const facts = [...readers].some((reader) => reader.facts)
      try {
        const page = await read({ ...SHARED_BATCH, from: into.next, facts })
        into.add(await mapInTurns(page.rows, eventOf), nextAfter(page, into.next, position), facts)
      } catch (error) {
        // For any other error memory starts again, and readers meet the error when they read for themselves.
        if (isUnavailable(error)) await sleep(RETRY_MS)
        else begin()
      }
      wakeAll()
    }
    pumping = false
  }

  const unlisten = feed.onAdvance(({ reset }) => {
    if (reset && held) history++
    if (reset && readers.size > 0) begin()
    if (readers.size > 0) void pump()
    if (reset) wakeAll()
  })

  const readAlone = async (from: bigint, facts: boolean): Promise<Batch | undefined> => {
    const position = feed.position
    const page = await ownReads(() => read({ ...OWN_BATCH, from, facts }))
    const next = nextAfter(page, from, position)
    return next > from ? { events: await mapInTurns(page.rows, eventOf), next } : undefined
  }

  return {
    open: (facts) => {
      const opened = history
      const { notify: wake, wait } = createSignal()
      const reader = { facts, wake }
      if (readers.size === 0) begin()
      readers.add(reader)
      return {
        read: async (from) => {
          if (history !== opened) throw anotherHistory(feed.position)
          if (held && from >= held.startFor(facts)) return held.from(from)
          return await readAlone(from, facts)
        },
        changed: async (from, ms) => {
          if (history === opened && !(held && held.next > from)) await wait(ms)
        },
        isCurrent: (next) => next > feed.position && performance.now() < feed.freshUntil,
        wake,
        close: () => {
          wake()
          readers.delete(reader)
          if (readers.size === 0) held = undefined
        },
      }
    },
    close: () => {
      closed = true
      unlisten()
      wakeAll()
    },
  }
}

/** A complete page holds every change up to the position that the feed had before it was read. */
function nextAfter({ rows, complete }: EventsPage, from: bigint, position: bigint): bigint {
  const last = rows.at(-1)?.revision ?? from - 1n
  return (complete && position > last ? position : last) + 1n
}

function anotherHistory(position: bigint) {
  return new RegistryError(
    ErrorReason.REVISION_COMPACTED,
    "the database no longer holds the history that was read so far: start again from the current state",
    { metadata: { oldest_revision: String(position) } },
  )
}
