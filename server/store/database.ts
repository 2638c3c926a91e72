import { setTimeout as sleep } from "node:timers/promises"
import { databaseUnavailable, isPassing, isWaitOver } from "./failures.js"
import { createMonitor, type Monitor } from "./monitor.js"
import { type Connection, openPool, type Sql } from "./sql.js"

/** What the store needs to know of the database. */
export interface DatabaseOptions {
  /** How to reach it. */
  connection: Connection
  /** Most connections at once, besides the one of the monitor. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Told when the database goes and comes back, and what it says by itself. */
  onEvent: (text: string) => void
}

/**
 * Runs statements, again where a lost connection or the like made them fail, so they must be safe to send again.
 * Throws DATABASE_UNAVAILABLE, or what a statement threw.
 */
export type Run = <T>(statements: (sql: Sql) => Promise<T>) => Promise<T>

/** The database as the store sees it. */
export interface Database {
  /** For a few rows by key: within `timeoutMs` from call to answer. */
  run: Run
  /** For lists and counts, on connections of their own so that they cannot hold up the others: within {@link SCAN_MS}. */
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

/** Opens the pools and starts to watch over the database. */
export function openDatabase(options: DatabaseOptions): Database {
  const scans = Math.max(1, Math.floor(options.maxConnections / 4))
  const monitor = createMonitor(options.connection, options.onEvent)
  const points = openLane(options, monitor, Math.max(1, options.maxConnections - scans), options.timeoutMs)
  const wide = openLane(options, monitor, scans, SCAN_MS)
  return {
    run: points.run,
    scan: (statements) => wide.run((sql) => bounded(sql, statements)),
    monitor,
    close: async (graceMs) => {
      await Promise.all([monitor.close(), points.close(graceMs), wide.close(graceMs)])
    },
  }
}

function openLane(options: DatabaseOptions, monitor: Monitor, max: number, answerMs: number) {
  const open = () => openPool(options.connection, max, options.onEvent)
  let pool = open()

  /**
   * A connection that is half dead never answers and is never given back: all are replaced. A short wait at the end of
   * a call's time says nothing about its connection.
   */
  const renew = (stalled: Sql, waitedMs: number) => {
    if (stalled !== pool || waitedMs < answerMs / 2) return
    pool = open()
    void stalled.end({ timeout: 0 }).catch(() => undefined)
  }

  const run: Run = async (statements) => {
    const giveUpAt = performance.now() + options.timeoutMs
    for (;;) {
      const left = giveUpAt - performance.now()
      await monitor.whenAvailable(left)
      const used = pool
      try {
        const ms = Math.max(left, answerMs - options.timeoutMs)
        return await within(ms, statements(used), () => renew(used, ms))
      } catch (error) {
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

/** PostgreSQL itself ends a scan that takes too long. Not a parameter of the connection: poolers refuse those. */
async function bounded<T>(sql: Sql, statements: (sql: Sql) => Promise<T>): Promise<T> {
  const result = await sql.begin("read only", async (transaction) => {
    await transaction`select set_config('statement_timeout', ${String(SCAN_MS - 1_000)}, true)`
    return [await statements(transaction as unknown as Sql)] // a transaction is called as a pool is
  })
  return result[0] as T
}

async function within<T>(ms: number, answer: Promise<T>, onStall: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stall = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onStall()
      reject(databaseUnavailable("the database did not answer in time"))
    }, ms)
  })
  // The loser of the race must not count as an unhandled rejection.
  answer.catch(() => undefined)
  return Promise.race([answer, stall]).finally(() => clearTimeout(timer))
}
