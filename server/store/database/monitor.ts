import { within } from "../../async/deadline.js"
import { createSignal } from "../../async/signal.js"
import { DatabaseUnfit } from "../../connection/failure.js"
import type { Target } from "../../connection/target.js"
import { databaseUnavailable, unfitnessOf } from "./failures.js"
import { SCHEMA_VERSION } from "./migrate.js"
import { assureOwnSessions } from "./ownSessions.js"
import { POOLED } from "./sessionSettings.js"
import { openPool, type Sql } from "./sql.js"

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
  /**
   * The time by the clock of the database, in microseconds since 1970: the one clock of all servers on it, which says what has expired
   * and which graceful revocation has taken effect. It goes on while the database is away, whatever this machine's clock does.
   */
  now(): bigint
  /** How far the database's clock was ahead of this machine's at the last probe, in milliseconds; negative: behind. */
  readonly clockSkewMs: number
  /** Probes now rather than when it is due. */
  probeNow(): void
  /** Probes; throws DATABASE_UNAVAILABLE with the reason if the database must not be used. */
  assureFit(): Promise<void>
  /** Stops probing. */
  close(): Promise<void>
}

/** Between two probes; a fifth of it while the database is unavailable. */
const EVERY_MS = 500
/** A probe that is not answered in this time has failed. */
const ANSWER_MS = 1_000

/** A difference of clocks that is told: more than two machines that keep time by NTP have. */
const SKEW_MS = 2_000

/** Called when the database goes away or comes back, and with its notices. */
export type OnEvent = (level: "info" | "warn" | "error", text: string) => void

/** Starts to probe the database, on a connection of its own. */
export function createMonitor(target: Target, onEvent: OnEvent): Monitor {
  const listeners = new Set<(available: boolean) => void>()
  const due = createSignal()
  const came = createSignal()
  let closed = false
  /** The mark of the probes' session; unknown after it was lost. */
  let mark: string | undefined
  const open = () =>
    openPool(target, 1, () => undefined, {
      onclose: () => {
        mark = undefined
      },
    })
  let pool = open()
  let available = false
  let clock = { micros: 0n, at: 0 }
  /** Why the database must not be used, for callers; they are not told why it cannot be reached. */
  let unfit: string | undefined
  let told = ""
  let clockSkewMs = 0
  let skewed = false

  const set = (now: boolean, why: string) => {
    if (now === available && (now || unfit === undefined || why === told)) return
    told = why
    if (now === available) return onEvent("error", `the database is not available: ${why}`)
    available = now
    if (now) came.notify()
    if (now) onEvent("info", "the database is available")
    else onEvent("error", `the database is not available: ${why}`)
    for (const listener of [...listeners]) listener(now)
  }

  const tellSkew = () => {
    const away = Math.abs(clockSkewMs)
    if (skewed ? away > SKEW_MS / 2 : away <= SKEW_MS) return
    skewed = !skewed
    const much = `${(away / 1000).toFixed(1)} s ${clockSkewMs > 0 ? "behind" : "ahead of"} the database's`
    if (skewed)
      onEvent("error", `the clock of this machine is ${much}, by which expiry and revocation are judged`)
    else onEvent("info", "the clock of this machine agrees with the database's again")
  }

  const probe = async () => {
    try {
      const askedAt = performance.now()
      const answer = await ask(pool)
      if (mark === undefined) await assureOwnSessions(target)
      else if (mark !== answer.mark) throw new DatabaseUnfit(POOLED)
      mark = answer.mark
      clock = { micros: answer.now, at: answer.at }
      // A slow answer has the time of some moment of the wait.
      const tookMs = answer.at - askedAt
      if (tookMs < SKEW_MS / 2) clockSkewMs = Number(answer.now / 1000n) + tookMs / 2 - Date.now()
      tellSkew()
      if (answer.version !== SCHEMA_VERSION) throw new DatabaseUnfit(otherSchema(answer.version))
      tellWeakness(target, answer.weak, onEvent)
      unfit = undefined
      set(true, "")
    } catch (error) {
      unfit = unfitnessOf(error)
      set(false, error instanceof Error ? error.message : String(error))
      void pool.end({ timeout: 0 }).catch(() => undefined)
      mark = undefined
      if (!closed) pool = open()
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
        throw databaseUnavailable(unfit ?? "the database is away")
  }

  const databaseTime = (at: number) => clock.micros + BigInt(Math.floor((at - clock.at) * 1000))

  return {
    get available() {
      return available
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    whenAvailable,
    databaseTime,
    now: () => databaseTime(performance.now()),
    get clockSkewMs() {
      return clockSkewMs
    },
    probeNow: due.notify,
    assureFit: async () => {
      await probe()
      if (unfit !== undefined) throw databaseUnavailable(unfit)
    },
    close: async () => {
      closed = true
      due.notify()
      await watching
      await pool.end({ timeout: 1 })
    },
  }
}

interface Answer {
  version: number
  now: bigint
  mark: string
  /** The settings of the server that are off and keep a crash of the machine from losing what was acknowledged. */
  weak: string
}

async function ask(pool: Sql): Promise<Answer & { at: number }> {
  const answer = pool<Answer[]>`
    select coalesce(max(version), 0) as version, clock_timestamp() as now,
      -- Without a parameter, which would be a second round trip: sessions may be ended faster than that.
      concat(current_setting('trust_registry.session', true), ' ', pg_backend_pid()) as mark,
      (select coalesce(string_agg(name, ' and ' order by name), '') from unnest(array['fsync', 'full_page_writes']) as name
       where current_setting(name) = 'off') as weak
    from trust_migrations`
  const late = () => {
    throw new Error("the database did not answer")
  }
  const [row] = await within(answer, { ms: ANSWER_MS, late })
  return { ...(row ?? { version: 0, now: 0n, mark: "", weak: "" }), at: performance.now() }
}

function otherSchema(version: number) {
  return version > SCHEMA_VERSION
    ? `the database's schema has version ${version}, and this server knows none after ${SCHEMA_VERSION}: start a newer server`
    : `the database's schema has version ${version}, ${SCHEMA_VERSION} is needed`
}

/** Once for each state, not at every probe. */
function tellWeakness({ learnt }: Target, weak: string, onEvent: OnEvent) {
  if (weak === (learnt.told ?? "")) return
  learnt.told = weak
  if (weak !== "")
    onEvent(
      "warn",
      `PostgreSQL runs with ${weak} = off: a crash of its machine may lose or damage what was acknowledged`,
    )
}
