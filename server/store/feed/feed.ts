import { setTimeout as sleep } from "node:timers/promises"
import { createSignal } from "../../async/signal.js"
import type { Monitor, OnEvent } from "../database/monitor.js"
import type { Connection } from "../database/sql.js"
import {
  type Change,
  type MarkedChange,
  readChanges,
  readMark,
  readNewestChange,
  readNewestMarked,
  readServer,
} from "./changes.js"
import { type FeedSession, openFeedSession } from "./feedSession.js"

/** What the feed has just read. */
export interface Advance {
  /** The changes after the previous position, in the order of revisions. */
  changes: Change[]
  /** The new position. */
  position: bigint
  /**
   * Whether other changes may have been missed: at the start, and if the history is not the one read before (another database, or
   * one that lost its newest changes).
   */
  reset: boolean
  /**
   * Whether caches must drop everything: at a reset, and when another PostgreSQL server answers now. During a fail-over a row may
   * have been read from a third server that had not seen all changes.
   */
  forget: boolean
}

/** Follows the changes of all chains and authorities, whoever makes them. */
export interface Feed {
  /** The newest revision that was read; so was every change before it. 0 before the first. */
  readonly position: bigint
  /** The newest revision that is known to be in the database; above `position` while the feed catches up. */
  readonly head: bigint
  /** Until when memory is fresh enough to be served, by `performance.now()`. */
  readonly freshUntil: number
  /** How long ago the feed last asked for changes and got all there were, in milliseconds; Infinity if it never did. */
  age(): number
  /**
   * Calls `listener` after each advance, in order, until the returned function is called. All listeners have been called when
   * `reached` resolves. They must not throw.
   */
  onAdvance(listener: (advance: Advance) => void): () => void
  /** Resolves once the feed has read this revision; throws the signal's reason if that aborts first. */
  reached(revision: bigint, signal: AbortSignal): Promise<void>
  /** Stops following. */
  close(): Promise<void>
}

/** Longest pause between two reads, without a hint. */
const EVERY_MS = 500
/** Shortest pause between two reads, so that a burst of commits takes a few reads and not one for each. */
const LEAST_MS = 5
/** Pause before another attempt, with a new connection. */
const RETRY_MS = 100
/** A read that is not answered in this time is repeated on another connection. */
const ANSWER_MS = 1_000
/** Most changes of a read: ids only, about 100 KB. */
const READ_CHANGES = 1_000

/**
 * Starts to follow the history, on a connection of its own, once the database is available. A notification is only a hint to read
 * now; what counts is what the history holds after the last revision read.
 *
 * @param maxAgeMs how old memory may be and still be served, in milliseconds
 * @param onEvent called when the feed falls behind by more although the database is available, and when it has caught up
 */
export function startFeed(
  connection: Connection,
  monitor: Monitor,
  maxAgeMs: number,
  onEvent: OnEvent,
): Feed {
  const listeners = new Set<(advance: Advance) => void>()
  let closed = false
  const pauseMs = Math.min(EVERY_MS, Math.max(LEAST_MS, maxAgeMs / 4))
  const answerMs = Math.min(ANSWER_MS, Math.max(100, maxAgeMs / 2))
  const hinted = createSignal()
  let session: FeedSession | undefined
  let last: MarkedChange | undefined
  /** The newest change with a mark. */
  let marked: MarkedChange | undefined
  let head = 0n
  let started = false
  let server: bigint | undefined
  let late = false
  let askedAt = Number.NEGATIVE_INFINITY

  const renew = () => {
    void session?.end()
    session = undefined
  }
  const onLost = () => {
    renew()
    hinted.notify()
  }

  const position = () => last?.revision ?? 0n
  const advance = (changes: MarkedChange[], why: Partial<Pick<Advance, "reset" | "forget">> = {}) => {
    const { reset = false, forget = reset } = why
    const event = { changes, position: position(), reset, forget }
    for (const listener of [...listeners]) listener(event)
  }

  const open = async () => {
    const opened = openFeedSession(connection, { onHint: hinted.notify, onLost })
    session = opened
    const answers = await opened.read(readServer, answerMs)
    if (answers?.standby) throw new Error("the server is a standby, which sees changes late")
    if (server !== undefined && answers?.startedAt !== server) advance([], { forget: true })
    server = answers?.startedAt
    return opened
  }

  /**
   * Whether the change at the feed's position is the one that was read there. A revocation moves when it is lifted; then the newest
   * change with a mark decides.
   */
  const isSameHistory = async (on: FeedSession, found: MarkedChange | undefined) => {
    if (last?.mark) return found?.mark === last.mark
    if (found && (found.kind !== last?.kind || found.id !== last.id)) return false
    const known = marked
    return !known || (await on.read((sql) => readMark(sql, known.revision), answerMs)) === known.mark
  }

  /** Reads on from the position; gives whether that was all there is. */
  const readOn = async () => {
    const on = session ?? (await open())
    const from = position()
    const sentAt = performance.now()
    const found = await on.read((sql) => readChanges(sql, from, READ_CHANGES), answerMs)
    const first = found[0]?.revision === from ? found[0] : undefined
    if (started && (await isSameHistory(on, first))) {
      const changes = first ? found.slice(1) : found
      last = found.at(-1) ?? last
      marked = found.findLast(({ mark }) => mark !== null) ?? marked
      if (changes.length > 0) advance(changes)
      if (found.length === READ_CHANGES) {
        head = (await on.read(readNewestChange, answerMs))?.revision ?? 0n
        return false
      }
    } else {
      last = await on.read(readNewestChange, answerMs)
      marked = await on.read(readNewestMarked, answerMs)
      started = true
      advance([], { reset: true })
    }
    head = position()
    askedAt = sentAt
    return true
  }

  const reportLate = (error: unknown) => {
    if (late || closed || performance.now() - askedAt < maxAgeMs) return
    late = true
    const why = error instanceof Error ? error.message : String(error)
    onEvent("error", `the change feed is behind, and reads go to the database: ${why}`)
  }

  const follow = async () => {
    while (!closed) {
      try {
        await monitor.whenAvailable(RETRY_MS)
        const current = await readOn()
        if (current && late) onEvent("info", "the change feed is current again")
        if (current) late = false
        if (!current) continue
        await sleep(LEAST_MS)
        if (!closed) await hinted.wait(pauseMs)
      } catch (error) {
        renew()
        if (!monitor.available) continue
        reportLate(error)
        await sleep(RETRY_MS)
      }
    }
  }
  const following = follow()

  const onAdvance = (listener: (advance: Advance) => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const reached = (revision: bigint, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (started && position() >= revision) return resolve()
      if (signal.aborted) return reject(signal.reason)
      const fail = () => {
        stop()
        reject(signal.reason)
      }
      const stop = onAdvance((event) => {
        if (event.position < revision) return
        stop()
        signal.removeEventListener("abort", fail)
        resolve()
      })
      signal.addEventListener("abort", fail, { once: true })
      hinted.notify()
    })

  return {
    get position() {
      return position()
    },
    get head() {
      return head
    },
    get freshUntil() {
      return askedAt + maxAgeMs
    },
    age: () => performance.now() - askedAt,
    onAdvance,
    reached,
    close: async () => {
      closed = true
      hinted.notify()
      renew()
      await following
      renew()
    },
  }
}
