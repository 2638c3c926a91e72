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

/** What the feed has just heard of. */
export interface Advance {
  /** The changes after the position before, in the order of revisions. */
  changes: Change[]
  /** The new position. */
  position: bigint
  /**
   * Whether other changes may have been missed: at the start, and where the history is not the one that was read before
   * (another database, or one that lost its newest changes).
   */
  reset: boolean
  /**
   * Whether whatever is in memory is to be forgotten: at a reset, and where another server tells the changes now. While one took
   * over from the other, a row may have been read from a third that had not heard of all.
   */
  forget: boolean
}

/** The changes of all chains and authorities, whoever made them, as this process hears of them. */
export interface Feed {
  /** The newest revision that this process has heard of: it knows of every change up to here. 0 before the first. */
  readonly position: bigint
  /** The newest revision that is known to be in the database; above `position` while it reads on. */
  readonly head: bigint
  /** Until when, by `performance.now()`, memory is fresh enough to be served: it lacks nothing older than the bound. */
  readonly freshUntil: number
  /** How long ago the database was last asked for changes and gave all there were, in milliseconds; Infinity: never yet. */
  age(): number
  /**
   * Calls `listener` after each advance, in order, until the returned function is called. All listeners are called before
   * `reached` resolves; they must not throw.
   */
  onAdvance(listener: (advance: Advance) => void): () => void
  /** Resolves when this process has heard of this revision; throws the signal's reason if that aborts first. */
  reached(revision: bigint, signal: AbortSignal): Promise<void>
  /** Stops reading. */
  close(): Promise<void>
}

/** The head is read this often, hints or not. */
const EVERY_MS = 500
/** Between two reads, so that a burst of commits is a few reads and not one for each. */
const LEAST_MS = 5
/** Before another try with a new connection. */
const RETRY_MS = 100
/** A read that is not answered in this time is made anew, on another connection. */
const ANSWER_MS = 1_000
/** Most changes of a read: ids only, some 100 KB. */
const READ_CHANGES = 1_000

/**
 * Starts to follow the history, on a connection of its own, once the database has our schema. A notification is a hint to
 * read at once; the truth is what the history holds after the last revision read.
 *
 * @param maxAgeMs how old memory may be and still be served
 * @param onEvent told when the feed falls behind that although the database is there, and when it is back
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
    const told = { changes, position: position(), reset, forget }
    for (const listener of [...listeners]) listener(told)
  }

  const open = async () => {
    const opened = openFeedSession(connection, { onHint: hinted.notify, onLost })
    session = opened
    const answers = await opened.read(readServer, answerMs)
    if (answers?.standby) throw new Error("a standby hears of changes late")
    if (server !== undefined && answers?.startedAt !== server) advance([], { forget: true })
    server = answers?.startedAt
    return opened
  }

  /** Whether what stands where the feed stood is what it read there. A revocation moves when it is lifted: then what is before it tells. */
  const isSameHistory = async (on: FeedSession, stood: MarkedChange | undefined) => {
    if (last?.mark) return stood?.mark === last.mark
    if (stood && (stood.kind !== last?.kind || stood.id !== last.id)) return false
    const known = marked
    return !known || (await on.read((sql) => readMark(sql, known.revision), answerMs)) === known.mark
  }

  /** Reads on from where it stands; gives whether that was all there is. */
  const readOn = async () => {
    const on = session ?? (await open())
    const from = position()
    const sentAt = performance.now()
    const found = await on.read((sql) => readChanges(sql, from, READ_CHANGES), answerMs)
    const stood = found[0]?.revision === from ? found[0] : undefined
    if (started && (await isSameHistory(on, stood))) {
      const changes = stood ? found.slice(1) : found
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

  const tellLate = (error: unknown) => {
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
        tellLate(error)
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
      const stop = onAdvance((told) => {
        if (told.position < revision) return
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
