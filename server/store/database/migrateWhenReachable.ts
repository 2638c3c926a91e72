import { setTimeout as sleep } from "node:timers/promises"
import type { Target } from "../../connection/target.js"
import { isPassing } from "./failures.js"
import { findSchema, migrate } from "./migrate.js"
import { assureOwnSessions } from "./ownSessions.js"
import { openPool } from "./sql.js"

/** The least time for the locks of a migration, in milliseconds. */
const LEAST_LOCK_MS = 1_000
/** Between two attempts to reach the database. */
const RETRY_MS = 100

/**
 * Migrates the schema as soon as the database can be reached, and gives the names of the steps applied. Uses a connection of its
 * own, because the pools wait for the schema. Throws what the last attempt threw once `waitMs` milliseconds are over.
 */
export async function migrateWhenReachable(target: Target, waitMs: number): Promise<string[]> {
  const giveUpAt = performance.now() + waitMs
  const pool = openPool(target, 1, () => undefined)
  try {
    for (;;) {
      try {
        await pool`select`
        await assureOwnSessions(target)
        const steps = await migrate(pool, Math.max(LEAST_LOCK_MS, giveUpAt - performance.now()))
        const schema = await findSchema(pool)
        if (schema !== undefined) target.learnt.schema = schema
        return steps
      } catch (error) {
        if (!isPassing(error) || performance.now() > giveUpAt) throw error
        await sleep(RETRY_MS)
      }
    }
  } finally {
    await pool.end({ timeout: 1 })
  }
}
