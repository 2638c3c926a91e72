import { setTimeout as sleep } from "node:timers/promises"
import { databaseUnavailable } from "./failures.js"
import { SCHEMA_VERSION } from "./migrate.js"
import { type Connection, openPool, type Sql } from "./sql.js"

/** Knows whether the database answers and has our schema. */
export interface Monitor {
  /** Whether it did at the last look. */
  readonly available: boolean
  /** Calls `listener` at every change, until the returned function is called. */
  onChange(listener: (available: boolean) => void): () => void
  /** Resolves when the database is available; throws DATABASE_UNAVAILABLE after `ms` milliseconds. */
  whenAvailable(ms: number): Promise<void>
  /**
   * What the clock of the database shows, in microseconds since 1970, when `performance.now()` is `at`; rather too early
   * than too late. Known since it was first available.
   */
  databaseTime(at: number): bigint
  /** Looks now rather than at the next turn. */
  probeNow(): void
  /** Stops looking. */
  close(): Promise<void>
}

/** Between two looks. */
const EVERY_MS = 500
/** A look that is not answered in this time found nobody. */
const ANSWER_MS = 1_000

/** Told what happens to the database, and what it says by itself. */
export type OnEvent = (level: "info" | "error", text: string) => void

/** Starts to look after the database, on a connection of its own. */
export function createMonitor(connection: Connection, onEvent: OnEvent): Monitor {
  const listeners = new Set<(available: boolean) => void>()
  const closed = new AbortController()
  let turn = new AbortController()
  let pool = openPool(connection, 1, () => undefined)
  let available = false
  let clock = { micros: 0n, at: 0 }

  const set = (now: boolean, why: string) => {
    if (now === available) return
    available = now
    if (now) onEvent("info", "the database is available")
    else onEvent("error", `the database is not available: ${why}`)
    for (const listener of [...listeners]) listener(now)
  }

  const look = async () => {
    try {
      const { version, now } = await answerOf(pool)
      clock = { micros: now, at: performance.now() }
      set(version >= SCHEMA_VERSION, `its schema has version ${version}, ${SCHEMA_VERSION} is needed`)
    } catch (error) {
      set(false, error instanceof Error ? error.message : String(error))
      void pool.end({ timeout: 0 }).catch(() => undefined)
      if (!closed.signal.aborted) pool = openPool(connection, 1, () => undefined)
    }
  }

  const watch = async () => {
    while (!closed.signal.aborted) {
      await look()
      turn = new AbortController()
      const pause = available ? EVERY_MS : EVERY_MS / 5
      await sleep(pause, undefined, { signal: AbortSignal.any([turn.signal, closed.signal]) }).catch(
        () => undefined,
      )
    }
  }
  const watching = watch()

  const whenAvailable = (ms: number) => {
    if (available) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer)
        listeners.delete(check)
      }
      const check = (now: boolean) => {
        if (!now) return
        stop()
        resolve()
      }
      const timer = setTimeout(
        () => {
          stop()
          reject(databaseUnavailable("the database is away"))
        },
        Math.max(0, ms),
      )
      listeners.add(check)
    })
  }

  return {
    get available() {
      return available
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    whenAvailable,
    databaseTime: (at) => clock.micros + BigInt(Math.floor((at - clock.at) * 1000)),
    probeNow: () => turn.abort(),
    close: async () => {
      closed.abort()
      await watching
      await pool.end({ timeout: 1 })
    },
  }
}

async function answerOf(pool: Sql): Promise<{ version: number; now: bigint }> {
  const bound = new AbortController()
  const late = sleep(ANSWER_MS, undefined, { signal: bound.signal }).then(() => {
    throw new Error("no answer")
  })
  const answer = pool<{ version: number; now: bigint }[]>`
    select coalesce(max(version), 0) as version, clock_timestamp() as now from trust_migrations`
  answer.catch(() => undefined)
  late.catch(() => undefined)
  try {
    const rows = await Promise.race([answer, late])
    return rows[0] ?? { version: 0, now: 0n }
  } finally {
    bound.abort()
  }
}
