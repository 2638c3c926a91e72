import { setTimeout as sleep } from "node:timers/promises"
import { isPassing } from "./failures.js"
import { migrate } from "./migrate.js"
import { type Connection, openPool } from "./sql.js"

/** Between two attempts to reach the database. */
const RETRY_MS = 100

/**
 * Migrates the schema as soon as the database can be reached, and gives the names of the steps applied. Uses a connection of its
 * own, because the pools wait for the schema. Throws what the last attempt threw once `waitMs` milliseconds are over.
 */
export async function migrateWhenReachable(connection: Connection, waitMs: number): Promise<string[]> {
  const giveUpAt = performance.now() + waitMs
  const pool = openPool(connection, 1, () => undefined)
  try {
    for (;;) {
      try {
        return await migrate(pool)
      } catch (error) {
        if (!isPassing(error) || performance.now() > giveUpAt) throw error
        await sleep(RETRY_MS)
      }
    }
  } finally {
    await pool.end({ timeout: 1 })
  }
}
