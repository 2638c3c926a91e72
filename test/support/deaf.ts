import postgres from "postgres"
import type { EmbeddedConnection } from "../../server/embedded/session.js"

/** A history that the change feed reads; the work in between must not touch it. */
export type History = "trust_chain_revisions" | "trust_authority_revisions"

/** Does the work while no server on this database hears of changes: what reads this history waits for a lock. */
export async function deaf<Result>(
  connection: EmbeddedConnection,
  history: History,
  work: () => Promise<Result>,
): Promise<Result> {
  const lock = postgres({ ...connection, max: 1, onnotice: () => {} })
  try {
    await lock.unsafe("begin")
    await lock.unsafe(`lock table ${history} in access exclusive mode`)
    return await work()
  } finally {
    await lock.end()
  }
}
