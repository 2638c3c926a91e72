import { setTimeout as sleep } from "node:timers/promises"
import { within } from "../../async/deadline.js"
import { databaseUnavailable, isLost, isPassing, isWaitOver } from "./failures.js"
import { createMonitor, type Monitor, type OnEvent } from "./monitor.js"
import { type Connection, openPool, type Sql } from "./sql.js"
import { cancel, isUnanswered, type Query, watchedSql } from "./watchedSql.js"

/** What the store needs to know of the database. */
export interface DatabaseOptions {
  /** How to reach it. */
  connection: Connection
  /** Most connections at once, besides the one of the monitor. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Told when the database goes and comes back, and what it says by itself. */
  onEvent: OnEvent
}

/**
 * Runs statements, again where a lost connection or the like made them fail, so they must be safe to send again. They are
 * told when they will be given up, by the clock of the database in microseconds since 1970: a network that was away may
 * deliver them later. Throws DATABASE_UNAVAILABLE, or what a statement threw.
 */
export type Run = <T>(statements: (sql: Sql, notAfter: bigint) => Promise<T>) => Promise<T>

/** The database as the store sees it. */
export interface Database {
  /** For a few rows by key: within `timeoutMs` from call to answer. */
  run: Run
  /** For lists, counts and whole histories, on connections of their own so that they cannot hold up the others: within {@link SCAN_MS}. */
  scan: Run
  /** Whether the database answers and has our schema. */
  readonly monitor: Monitor
  /** Closes all connections. Statements that run are given `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Between two tries; a fraction of what a fail-over or a restart takes. */
const PAUSE_MS = 50
/** How long a scan may take, in milliseconds. */
const SCAN_MS = 10_000
/** In this time a cancelled statement has ended, unless its connection is half dead. */
const CANCEL_MS = 500

/** Opens the pools and starts to watch over the database. */
export function openDatabase(options: DatabaseOptions): Database {
  const scans = Math.max(1, Math.floor(options.maxConnections / 4))
  const monitor = createMonitor(options.connection, options.onEvent)
  const points = openLane(options, monitor, Math.max(1, options.maxConnections - scans), options.timeoutMs)
  const wide = openLane(options, monitor, scans, SCAN_MS)
  return {
    run: points.run,
    scan: wide.run,
    monitor,
    close: async (graceMs) => {
      await Promise.all([monitor.close(), points.close(graceMs), wide.close(graceMs)])
    },
  }
}

function openLane(options: DatabaseOptions, monitor: Monitor, max: number, answerMs: number) {
  const open = () =>
    openPool(options.connection, max, (text) => options.onEvent("info", `PostgreSQL says: ${text}`))
  let pool = open()

  /** A connection that is half dead never answers and is never given back: all are replaced. */
  const renew = (stalled: Sql) => {
    if (stalled !== pool) return
    pool = open()
    void stalled.end({ timeout: 0 }).catch(() => undefined)
  }

  /** What nobody waits for any more must not go on, or one lock held for long would use up the database's connections. */
  const abandon = async (stalled: Sql, query: Query | undefined) => {
    if (!query) return
    void cancel(query).catch(() => undefined)
    await sleep(CANCEL_MS)
    if (isUnanswered(query)) renew(stalled)
  }

  const run: Run = async (statements) => {
    const giveUpAt = performance.now() + options.timeoutMs
    for (;;) {
      const left = giveUpAt - performance.now()
      await monitor.whenAvailable(left)
      const used = pool
      const { sql, last } = watchedSql(used)
      try {
        const endsAt = performance.now() + Math.max(left, answerMs - options.timeoutMs)
        return await within(statements(sql, monitor.databaseTime(endsAt)), {
          ms: left,
          extend: () => monitor.available && endsAt - performance.now() > PAUSE_MS,
          late: () => {
            void abandon(used, last())
            throw databaseUnavailable("the database did not answer in time")
          },
        })
      } catch (error) {
        // A connection that was cut while the driver wrote may never write again.
        if (isLost(error)) renew(used)
        if (isWaitOver(error)) throw databaseUnavailable("the database is busy with another change", error)
        if (!isPassing(error)) throw error
        monitor.probeNow()
        if (giveUpAt - performance.now() <= PAUSE_MS) throw databaseUnavailable("the database is away", error)
        await sleep(PAUSE_MS)
      }
    }
  }
  return { run, close: (graceMs: number) => pool.end({ timeout: graceMs / 1000 }) }
}
