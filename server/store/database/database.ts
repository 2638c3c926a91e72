import { setTimeout as sleep } from "node:timers/promises"
import { within } from "../../async/deadline.js"
import type { Target } from "../../connection/target.js"
import { type Connection, targetOf } from "../../connection/targetOf.js"
import { assureDriver, cancel, isUnanswered, type Query, watchedSql } from "./driverInternals.js"
import { databaseUnavailable, isLost, isPassing, isSchemaFault, isWaitOver, unfitnessOf } from "./failures.js"
import { createMonitor, type Monitor, type OnEvent } from "./monitor.js"
import { openPool, type Sql } from "./sql.js"

/** Where the database is, and how long to wait for it. */
export interface DatabaseOptions {
  /** How to reach it. */
  connection: Connection
  /** Most connections at once, besides one for the monitor. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Called when the database goes away or comes back, and with its notices. */
  onEvent: OnEvent
}

/**
 * Runs statements, and runs them again if they fail for a passing reason such as a lost connection, so they must be safe to repeat.
 * They get the time at which this server gives them up, by the clock of the database in microseconds since 1970, because a network
 * outage may deliver them later. Throws DATABASE_UNAVAILABLE, or what a statement threw.
 */
export type Run = <T>(statements: (sql: Sql, notAfter: bigint) => Promise<T>) => Promise<T>

/** The database as the store sees it. */
export interface Database {
  /** For a few rows by key, within `timeoutMs`. */
  run: Run
  /** For lists, counts and whole histories, within {@link SCAN_MS}, on connections of their own so that they cannot hold up the others. */
  scan: Run
  /** For work that no call waits for, within {@link WORK_MS}, on one connection more, which is open once there was such work. */
  work: Run
  /** Knows whether the database is available. */
  readonly monitor: Monitor
  /** Closes all connections. Running statements get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** Between two attempts: a fraction of what a fail-over or a restart takes. */
const PAUSE_MS = 50
/** How long a scan may take, in milliseconds. */
const SCAN_MS = 10_000
/** How long a piece of work may take, in milliseconds. */
const WORK_MS = 600_000
/** A cancelled statement ends in this time unless its connection is dead, in milliseconds. */
const CANCEL_MS = 500

/** Opens the pools and starts to monitor the database. Throws an Error for a driver that does not fit. */
export function openDatabase(options: DatabaseOptions): Database {
  const target = targetOf(options.connection)
  assureDriver(openPool(target, 1, () => undefined))
  const scans = Math.max(1, Math.floor(options.maxConnections / 4))
  const monitor = createMonitor(target, options.onEvent)
  const points = openLane(
    options,
    target,
    monitor,
    Math.max(1, options.maxConnections - scans),
    options.timeoutMs,
  )
  const wide = openLane(options, target, monitor, scans, SCAN_MS)
  const long = openLane(options, target, monitor, 1, WORK_MS)
  return {
    run: points.run,
    scan: wide.run,
    work: long.run,
    monitor,
    close: async (graceMs) => {
      await Promise.all([monitor, points, wide, long].map((part) => part.close(graceMs)))
    },
  }
}

function openLane(options: DatabaseOptions, target: Target, monitor: Monitor, max: number, answerMs: number) {
  const open = () => openPool(target, max, (text) => options.onEvent("info", `PostgreSQL says: ${text}`))
  let pool = open()

  /** A dead connection that was not closed never answers and never returns to its pool, so the pool is replaced. */
  const renew = (stalled: Sql) => {
    if (stalled !== pool) return
    pool = open()
    void stalled.end({ timeout: 0 }).catch(() => undefined)
  }

  /** Cancels a query that nobody waits for any more: behind a lock that is held for long, such queries use up all connections. */
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
        // A connection that was cut while the driver wrote may never write again; see driverInternals.ts.
        if (isLost(error)) renew(used)
        const unfit = unfitnessOf(error)
        if (unfit !== undefined) monitor.probeNow()
        if (unfit !== undefined) throw databaseUnavailable(unfit, error)
        if (isWaitOver(error)) throw databaseUnavailable("the database is busy with another change", error)
        // After an upgrade by a newer server, before the next probe.
        if (isSchemaFault(error)) await monitor.assureFit()
        if (!isPassing(error)) throw error
        monitor.probeNow()
        if (giveUpAt - performance.now() <= PAUSE_MS) throw databaseUnavailable("the database is away", error)
        await sleep(PAUSE_MS)
      }
    }
  }
  return { run, close: (graceMs: number) => pool.end({ timeout: graceMs / 1000 }) }
}
