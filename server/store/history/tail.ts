import { setTimeout as sleep } from "node:timers/promises"
import { ErrorReason } from "@trust-registry/proto"
import { createSemaphore } from "../../async/semaphore.js"
import { createSignal } from "../../async/signal.js"
import { RegistryError } from "../../errors.js"
import { isUnavailable } from "../database/failures.js"
import type { Feed } from "../feed/feed.js"
import { eventOf, type HistoryEvent } from "./event.js"
import type { EventsPage, EventsQuery } from "./eventRows.js"
import { type Memory, memory } from "./tailMemory.js"

/** Some changes, in the order of their revisions. */
export interface Batch {
  events: HistoryEvent[]
  /** There are none but these below this revision. */
  next: bigint
}

/** One reader of the changes of chains, at its own pace. */
export interface TailReader {
  /**
   * The changes from a revision on, some at a time; undefined: there is none yet. Throws REVISION_COMPACTED where the history
   * no longer tells of them.
   */
  read(from: bigint): Promise<Batch | undefined>
  /** Resolves when there may be changes from that revision on, after `ms` milliseconds, or when it is woken. */
  changed(from: bigint, ms: number): Promise<void>
  /** Whether a reader who has had all below that revision lacks nothing that this process knows, or should know, of. */
  isCurrent(next: bigint): boolean
  /** Ends the wait. */
  wake(): void
  /** It will not read any more. */
  close(): void
}

/** The changes of chains for many readers: the newest are read once and held in memory, a bounded number of bytes of them. */
export interface Tail {
  /** A new reader. `facts`: whether it needs what filters ask of documents. */
  open(facts: boolean): TailReader
  /** Stops reading. */
  close(): void
}

/** What a reader holds that reads the history by itself, and what is read for all at once. */
const OWN_BATCH = { limit: 256, maxBytes: 256 * 1024 }
const SHARED_BATCH = { limit: 512, maxBytes: 1024 * 1024 }
/** Readers that read by themselves, at once: the others wait, so that lists and counts find a connection. */
const OWN_READS_AT_ONCE = 1
/** Before another try of a shared read that failed. */
const RETRY_MS = 100

/**
 * A tail behind the feed. It reads only while there are readers. A reader that falls off its end goes on with the history by
 * itself until it is back.
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

  /** Reads what the feed has heard of, for all. */
  const pump = async () => {
    if (pumping) return
    pumping = true
    while (!closed && held && held.next <= feed.position) {
      const into = held
      const heard = feed.position
      const facts = [...readers].some((reader) => reader.facts)
      try {
        const page = await read({ ...SHARED_BATCH, from: into.next, facts })
        into.add(page.rows.map(eventOf), nextAfter(page, into.next, heard), facts)
      } catch (error) {
        // Whatever else it is, each reader is told when it reads by itself.
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
    const heard = feed.position
    const page = await ownReads(() => read({ ...OWN_BATCH, from, facts }))
    const next = nextAfter(page, from, heard)
    return next > from ? { events: page.rows.map(eventOf), next } : undefined
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

/** A page that was complete holds all that was heard of before it was asked for. */
function nextAfter({ rows, complete }: EventsPage, from: bigint, heard: bigint): bigint {
  const last = rows.at(-1)?.revision ?? from - 1n
  return (complete && heard > last ? heard : last) + 1n
}

function anotherHistory(position: bigint) {
  return new RegistryError(
    ErrorReason.REVISION_COMPACTED,
    "the database does not hold the history any more that was read so far: begin anew from the present",
    { metadata: { oldest_revision: String(position) } },
  )
}
