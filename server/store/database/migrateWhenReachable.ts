import { setTimeout as sleep } from "node:timers/promises"
import { within } from "../../async/deadline.js"
import { connectionFailure } from "../../connection/failure.js"
import type { Target } from "../../connection/target.js"
import { isPassing } from "./failures.js"
import { findSchema, migrate } from "./migrate.js"
import { assureOwnSessions } from "./ownSessions.js"
import { openPool } from "./sql.js"

/** The least time for the locks of a migration, in milliseconds. */
const LEAST_LOCK_MS = 1_000
/** For an answer of a database that took the connection, in milliseconds. */
const LEAST_ANSWER_MS = 2_000
/** How long a database may be silent during a migration, in milliseconds. */
const ANSWER_MS = 10_000
/** Between two attempts to reach the database. */
const RETRY_MS = 100

/**
 * Migrates the schema as soon as the database can be reached, and gives the names of the steps applied. Uses a connection of its
 * own, because the pools wait for the schema. Throws what the last attempt threw once `waitMs` milliseconds are over.
 */
export async function migrateWhenReachable(target: Target, waitMs: number): Promise<string[]> {
  const giveUpAt = performance.now() + waitMs
  const connectMs = target.connectTimeoutMs * target.hosts.length
  let pool = openPool(target, 1, () => undefined)
  try {
    for (;;) {
      try {
        const leftMs = Math.max(LEAST_ANSWER_MS, giveUpAt - performance.now())
        await within(pool`select`, { ms: Math.min(leftMs, connectMs + ANSWER_MS), late: unanswered })
        await assureOwnSessions(target)
        const work = migrate(pool, Math.max(LEAST_LOCK_MS, giveUpAt - performance.now()))
        const steps = await whileAnswering(target, work)
        const schema = await within(findSchema(pool), { ms: ANSWER_MS, late: unanswered })
        if (schema !== undefined) target.learnt.schema = schema
        return steps
      } catch (error) {
        if (!isPassing(error) || performance.now() > giveUpAt) throw error
        // Behind a query without an answer another would wait too.
        void pool.end({ timeout: 0 }).catch(() => undefined)
        pool = openPool(target, 1, () => undefined)
        await sleep(RETRY_MS)
      }
    }
  } finally {
    await pool.end({ timeout: 1 })
  }
}

/**
 * The result of work on the database, for as long as that answers on another connection: a migration may take long, and a dead
 * connection for ever.
 */
async function whileAnswering<Result>(target: Target, work: Promise<Result>): Promise<Result> {
  const over = new AbortController()
  const pool = openPool(target, 1, () => undefined)
  const ask = async (): Promise<never> => {
    for (;;) {
      await sleep(ANSWER_MS / 2, undefined, { signal: over.signal })
      await within(pool`select`, { ms: ANSWER_MS, late: unanswered })
    }
  }
  const asking = ask()
  asking.catch(() => undefined)
  try {
    return await Promise.race([work, asking])
  } finally {
    over.abort()
    work.catch(() => undefined)
    await pool.end({ timeout: 0 })
  }
}

function unanswered(): never {
  throw connectionFailure("CONNECT_TIMEOUT", "it took the connection and did not answer")
}
