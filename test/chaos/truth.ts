import type postgres from "postgres"
import type { Version } from "./history.js"

/** Reads the history of these agents after all writes in progress have ended. */
export async function readTruth(sql: postgres.Sql, agents: ReadonlySet<string>): Promise<Version[]> {
  // Waits for the commit of the writer that holds the lock.
  const rows = await sql.begin(async (transaction) => {
    await transaction`select trust_lock()`
    return await transaction<(Omit<Version, "revision"> & { revision: string })[]>`
      select revision, agent_id as "agentId", operation, status, content_hash as "contentHash", request_id as "requestId"
      from trust_chain_revisions where agent_id = any (${[...agents]}) order by revision`
  })
  return rows.map((row) => ({ ...row, revision: BigInt(row.revision) }))
}
