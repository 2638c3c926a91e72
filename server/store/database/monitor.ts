import { within } from "../../async/deadline.js"
import { createSignal } from "../../async/signal.js"
import { databaseUnavailable } from "./failures.js"
import { SCHEMA_VERSION } from "./migrate.js"
import { type Connection, openPool, type Sql } from "./sql.js"

/** Knows whether the database answers and has the schema that this server needs. */
export interface Monitor {
  /** Whether it did at the last probe. */
  readonly available: boolean
  /** Calls `listener` at every change, until the returned function is called. */
  onChange(listener: (available: boolean) => void): () => void
  /** Resolves when the database is available; throws DATABASE_UNAVAILABLE after `ms` milliseconds. */
  whenAvailable(ms: number): Promise<void>
  /**
   * The time by the clock of the database, in microseconds since 1970, when `performance.now()` is `at`; at worst a little too
   * early. Known once the database was available.
   */
  databaseTime(at: number): bigint
  /** Probes now rather than when it is due. */
  probeNow(): void
  /** Stops probing. */
  close(): Promise<void>
}

/** Between two probes; a fifth of it while the database is unavailable. */
const EVERY_MS = 500
/** A probe that is not answered in this time has failed. */
const ANSWER_MS = 1_000

/** Called when the database goes away or comes back, and with its notices. */
export type OnEvent = (level: "info" | "error", text: string) => void

/** Starts to probe the database, on a connection of its own. */
export function createMonitor(connection: Connection, onEvent: OnEvent): Monitor {
  const listeners = new Set<(available: boolean) => void>()
  const due = createSignal()
  const came = createSignal()
  let closed = false
  let pool = openPool(connection, 1, () => undefined)
  let available = false
  let clock = { micros: 0n, at: 0 }

  const set = (now: boolean, why: string) => {
    if (now === available) return
    available = now
    if (now) came.notify()
    if (now) onEvent("info", "the database is available")
    else onEvent("error", `the database is not available: ${why}`)
    for (const listener of [...listeners]) listener(now)
  }

  const probe = async () => {
    try {
      const { version, now } = await ask(pool)
      clock = { micros: now, at: performance.now() }
      set(version >= SCHEMA_VERSION, `its schema has version ${version}, ${SCHEMA_VERSION} is needed`)
    } catch (error) {
      set(false, error instanceof Error ? error.message : String(error))
      void pool.end({ timeout: 0 }).catch(() => undefined)
      if (!closed) pool = openPool(connection, 1, () => undefined)
    }
  }

  const watch = async () => {
    while (!closed) {
      await probe()
      await due.wait(available ? EVERY_MS : EVERY_MS / 5)
    }
  }
  const watching = watch()

  const whenAvailable = async (ms: number) => {
    const giveUpAt = performance.now() + ms
    while (!available)
      if (!(await came.wait(giveUpAt - performance.now())) && !available)
        throw databaseUnavailable("the database is away")
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
    probeNow: due.notify,
    close: async () => {
      closed = true
      due.notify()
      await watching
      await pool.end({ timeout: 1 })
    },
  }
}

async function ask(pool: Sql): Promise<{ version: number; now: bigint }> {
  const answer = pool<{ version: number; now: bigint }[]>`
    select coalesce(max(version), 0) as version, clock_timestamp() as now from trust_migrations`
  const late = () => {
    throw new Error("the database did not answer")
  }
  const [row] = await within(answer, { ms: ANSWER_MS, late })
  return row ?? { version: 0, now: 0n }
}
