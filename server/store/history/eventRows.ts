import type { ChainFilter } from "@trust-registry/proto"
import { BIGINTS, type Fragment, type Sql } from "../database/sql.js"
import { newestInHistory } from "../feed/changes.js"
import { conditionsOf } from "../filter/conditions.js"
import { type FactColumns, factsColumn, metadataColumn } from "../filter/facts.js"
import { recordColumns } from "../rows/columns.js"
import type { RevisionRow } from "../rows/revisionRows.js"
import { compacted } from "./historicalPoint.js"

/** A change, with what filters need to know about the same agent's change before it. */
export interface EventRow extends RevisionRow, FactColumns {
  /** Null if there was no change before. */
  previous_authority_id: string | null
  previous_is_active: boolean | null
  previous_expires_at: bigint | null
  previous_facts: FactColumns["facts"]
  previous_metadata: FactColumns["metadata"]
}

/** Which changes to read. */
export interface EventsQuery {
  /** From this revision on. */
  from: bigint
  /** Whether to read the facts that filters ask for. */
  facts: boolean
  limit: number
  /** The page ends before the document that would exceed this many bytes of JSON text, but holds at least one. */
  maxBytes: number
}

/** A page of changes in the order of their revisions. */
export interface EventsPage {
  rows: EventRow[]
  /** Whether no more changes follow. */
  complete: boolean
}

/**
 * Changes of chains from a revision on. Walks the history row by row, so that it measures at most one document more than fits.
 * Throws REVISION_COMPACTED if some of the changes may have been removed.
 */
export async function readEvents(
  sql: Sql,
  { from, facts, limit, maxBytes }: EventsQuery,
): Promise<EventsPage> {
  const next = (above: Fragment) => sql`
    select h.revision, coalesce(octet_length(h.chain_data::text), 0) as bytes from trust_chain_history h
    where ${above} order by h.revision limit 1`
  const rows = await sql<(EventRow & { oldest: bigint; walked: bigint })[]>`
    with recursive walk (revision, place, bytes) as (
      (select revision, 1, bytes::bigint from (${next(sql`h.revision >= ${from}`)}) first)
      union all
      select h.revision, w.place + 1, w.bytes + h.bytes
      from walk w cross join lateral (${next(sql`h.revision > w.revision`)}) h
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    )
    select history.oldest_revision as oldest, (select count(*) from walk) as walked, page.*
    from trust_history history left join (
      select ${columns(sql, facts)}
      from walk w join trust_chain_history c using (revision) ${previous(sql)}
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    ) page on true
    order by page.revision`
  const { oldest = 1n, walked = 0n } = rows[0] ?? {}
  if (from < oldest) throw compacted(from, oldest)
  const page = rows.filter(({ revision }) => revision !== null)
  return { rows: page, complete: BigInt(page.length) === walked }
}

/** The chains that match at one moment, by their revisions, and the newest revision of any chain at that moment. */
export interface CurrentRevisions {
  head: bigint
  /** Big-endian 64-bit numbers in ascending order. */
  revisions: Buffer
}

/** The chains that match now. One statement, so that all of it is of one moment. */
export async function readCurrent(
  sql: Sql,
  filter: ChainFilter | undefined,
  now: bigint,
): Promise<CurrentRevisions> {
  const { where } = conditionsOf(sql, filter, now)
  const rows = await sql<{ head: bigint; revisions: Buffer | null }[]>`
    select coalesce((select max(revision) from trust_chain_revisions), 0) as head,
      (select string_agg(int8send(c.revision), ''::bytea order by c.revision) from trust_chains c where ${where})
        as revisions`
  return { head: rows[0]?.head ?? 0n, revisions: rows[0]?.revisions ?? Buffer.alloc(0) }
}

/** The changes of the first of these revisions that fit in `maxBytes`, and how many of the revisions that covers; removed ones are left out. */
export async function readEventsOf(
  sql: Sql,
  revisions: bigint[],
  maxBytes: number,
): Promise<{ rows: RevisionRow[]; taken: number }> {
  const rows = await sql<(RevisionRow & { place: number; taken: number })[]>`
    with recursive walk (place, revision, bytes) as (
      select 0, 0::bigint, 0::bigint
      union all
      select w.place + 1, a.asked[w.place + 1], w.bytes + coalesce((
        select octet_length(h.chain_data::text) from trust_chain_history h where h.revision = a.asked[w.place + 1]), 0)
      from walk w cross join (select ${sql.array(revisions, BIGINTS)}::bigint[] as asked) a
      where w.place < ${revisions.length} and w.bytes <= ${maxBytes}
    ), fitting as (
      select * from walk where place = 1 or place > 1 and bytes <= ${maxBytes}
    )
    select (select max(place) from fitting)::integer as taken, page.*
    from (select) one left join (
      select ${recordColumns(sql)}, c.operation, c.request_id, c.chain_data
      from fitting join trust_chain_history c using (revision)
    ) page on true
    order by page.revision`
  return { rows: rows.filter(({ revision }) => revision !== null), taken: rows[0]?.taken ?? 0 }
}

/** The oldest revision from which on the history is complete, and the newest revision of all. */
export async function readEnds(sql: Sql): Promise<{ oldest: bigint; newest: bigint }> {
  const rows = await sql<{ oldest: bigint; newest: bigint }[]>`
    select oldest_revision as oldest, ${newestInHistory(sql)} as newest
    from trust_history`
  return rows[0] ?? { oldest: 1n, newest: 0n }
}

/** Throws PostgreSQL's error for a JSON text that JSONB cannot hold. */
export async function assureJsonb(sql: Sql, text: string): Promise<void> {
  await sql`select jsonb_typeof(${text}::text::jsonb)`
}

function columns(sql: Sql, facts: boolean) {
  const none = { facts: sql`null::jsonb`, metadata: sql`null::text` }
  const of = (data: Fragment) =>
    facts ? { facts: factsColumn(sql, data), metadata: metadataColumn(sql, data) } : none
  const [now, before] = [of(sql`c.chain_data`), of(sql`p.chain_data`)]
  return sql`${recordColumns(sql)}, c.operation, c.request_id, c.chain_data,
    ${now.facts} as facts, ${now.metadata} as metadata,
    p.authority_id as previous_authority_id, p.is_active as previous_is_active, p.expires_at as previous_expires_at,
    ${before.facts} as previous_facts, ${before.metadata} as previous_metadata`
}

function previous(sql: Sql) {
  return sql`left join lateral (
    select h.authority_id, h.is_active, h.expires_at, h.chain_data from trust_chain_history h
    where h.agent_id = c.agent_id and h.revision < c.revision order by h.revision desc limit 1
  ) p on true`
}
