import { ofKeys } from "../database/keyed.js"
import type { Sql } from "../database/sql.js"
import { recordColumns } from "../rows/columns.js"
import type { RevisionRow } from "../rows/revisionRows.js"

/** Which page of an agent's changes to read. */
export interface RevisionsQuery {
  agentId: string
  /** Only revisions below this one; undefined to start from the newest. */
  before: bigint | undefined
  limit: number
  /** The page ends before the document that would exceed this many bytes of JSON text, but holds at least one change. */
  maxBytes: number
  documents: boolean
}

/** A page of an agent's changes. */
export interface RevisionsPage {
  /** Newest first. */
  rows: RevisionRow[]
  more: boolean
  /** The oldest revision from which on the history is complete. */
  oldest: bigint
}

/**
 * A page of an agent's changes, newest first. Walks the history row by row, so that it measures at most one document more than
 * the page can hold.
 */
export async function listRevisions(sql: Sql, query: RevisionsQuery): Promise<RevisionsPage> {
  const { agentId, before, limit, maxBytes, documents } = query
  const bytes = documents ? sql`coalesce(octet_length(h.chain_data::text), 0)` : sql`0`
  const next = (below: ReturnType<Sql>) => sql`
    select h.revision, ${bytes} as bytes from trust_chain_history h
    where h.agent_id = ${agentId} and ${below} and not ${onlyForItsDocument(sql)} order by h.revision desc limit 1`
  const rows = await sql<(RevisionRow & { oldest: bigint; walked: bigint })[]>`
    with recursive walk (revision, place, bytes) as (
      (select revision, 1, bytes::bigint from (${next(before === undefined ? sql`true` : sql`h.revision < ${before}`)}) first)
      union all
      select h.revision, w.place + 1, w.bytes + h.bytes
      from walk w cross join lateral (${next(sql`h.revision < w.revision`)}) h
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    )
    select history.oldest_revision as oldest, (select count(*) from walk) as walked, page.*
    from trust_history history left join (
      select ${recordColumns(sql)}, c.operation, c.request_id,
             ${documents ? sql`c.chain_data` : sql`null::jsonb as chain_data`}
      from walk w join trust_chain_history c using (revision)
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    ) page on true
    order by page.revision desc`
  const { oldest = 1n, walked = 0n } = rows[0] ?? {}
  const page = ofKeys(
    rows.filter(({ revision }) => revision !== null),
    [agentId],
    (row) => row.agent_id,
  )
  return { rows: page, more: BigInt(page.length) < walked, oldest }
}

/** Whether the compaction left a change `h` only because a later one refers to its document. */
function onlyForItsDocument(sql: Sql) {
  const later = sql`select from trust_chain_revisions l where l.agent_id = h.agent_id`
  return sql`(h.revision < (select oldest_revision from trust_history)
    and exists (${later} and l.revision > h.revision and l.revision < (select oldest_revision from trust_history))
    and exists (${later} and l.document_revision = h.revision))`
}
