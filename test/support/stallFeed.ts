import postgres from "postgres"
import type { EmbeddedConnection } from "../../server/embedded/session.js"

/** A history table that the change feed reads. The work must not touch it. */
export type History = "trust_chain_revisions" | "trust_authority_revisions"

/** Runs `work` while the change feeds of all servers on this database stall: a lock blocks reads of the history table. */
export async function withStalledFeed<Result>(
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
