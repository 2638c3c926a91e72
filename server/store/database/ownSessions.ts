import { within } from "../../async/deadline.js"
import { connectionFailure, DatabaseUnfit } from "../../connection/failure.js"
import type { Target } from "../../connection/target.js"
import { POOLED } from "./sessionSettings.js"
import { openPool, type Sql } from "./sql.js"

/**
 * Throws DatabaseUnfit if a pooler gives our sessions' statements to connections that others use too. Two sessions hold a transaction
 * each, so that two connections of the pool are in use, and end them in turn, in both orders. A pooler in transaction mode, whether it
 * gives out the connection that was freed first or last, then gives one of them the other's. Without a sign of a pooler nothing is sent.
 */
export async function assureOwnSessions(target: Target): Promise<void> {
  if (!target.learnt.pooler) return
  const [one, other] = [openPool(target, 1, () => undefined), openPool(target, 1, () => undefined)]
  try {
    await within(compare(one, other), {
      ms: ANSWER_MS,
      late: () => {
        throw connectionFailure(
          "CONNECT_TIMEOUT",
          "the connection pooler gave no two sessions at once in time",
        )
      },
    })
  } catch (error) {
    if (/pooling mode/.test((error as Error).message)) throw new DatabaseUnfit(POOLED, { cause: error })
    throw error
  } finally {
    await Promise.all([one.end({ timeout: 0 }), other.end({ timeout: 0 })]).catch(() => undefined)
  }
}

const ROUNDS = 4
/** For two logins and some statements. */
const ANSWER_MS = 5_000

async function compare(one: Sql, other: Sql) {
  let before: string | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const pids = `${await begin(one)} ${await begin(other)}`
    for (const sql of round % 2 === 0 ? [one, other] : [other, one]) await sql.unsafe("commit")
    if (before !== undefined && pids !== before) throw new DatabaseUnfit(POOLED)
    before = pids
  }
}

/** Begins a transaction; gives the process that holds it. */
async function begin(sql: Sql): Promise<number> {
  const answers: unknown = await sql.unsafe("begin; select pg_backend_pid() as pid")
  return (answers as [unknown, [{ pid: number }]])[1][0].pid
}
