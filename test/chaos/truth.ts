import type postgres from "postgres"
import type { Version } from "./history.js"

/** Reads the history of these agents, once no server works on a change any more. */
export async function readTruth(sql: postgres.Sql, agents: ReadonlySet<string>): Promise<Version[]> {
  // After the commit of whoever has the lock of changes.
  const rows = await sql.begin(async (transaction) => {
    await transaction`select trust_lock()`
    return await transaction<(Omit<Version, "revision"> & { revision: string })[]>`
      select revision, agent_id as "agentId", replace(operation, 'removed', 'purged') as operation, status, content_hash as "contentHash", request_id as "requestId"
      from trust_chain_revisions where agent_id = any (${[...agents]}) order by revision`
  })
  return rows.map((row) => ({ ...row, revision: BigInt(row.revision) }))
}
