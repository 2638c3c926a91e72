import type { ChainFilter } from "@trust-registry/proto"
import { record } from "../chains/chains.js"
import { conditionsOf } from "../chains/filter.js"
import { BIGINTS, type Sql } from "../database/sql.js"
import { newestInHistory } from "../feed/changes.js"
import { compacted, type RevisionRow } from "./history.js"

/** A change with the one of the same agent before it, as far as filters ask for them. */
export interface EventRow extends RevisionRow, FactColumns {
  /** Null: there is none. */
  previous_authority_id: string | null
  previous_is_active: boolean | null
  previous_expires_at: bigint | null
  previous_facts: FactColumns["facts"]
  previous_metadata: FactColumns["metadata"]
}

interface FactColumns {
  facts: { capabilities: unknown[]; types: unknown[]; delegators: unknown[] } | null
  /** The text as it was signed; null: there is none, or none that JSONB can hold. */
  metadata: string | null
}

/** Which changes. */
export interface EventsQuery {
  /** From this revision on. */
  from: bigint
  /** Whether with what filters ask of documents. */
  facts: boolean
  limit: number
  /** They end before the document that would pass this size as JSON text, though there is one at least. */
  maxBytes: number
}

/** Some changes in the order of their revisions. */
export interface EventsPage {
  rows: EventRow[]
  /** Whether there were no more. */
  complete: boolean
}

/**
 * Changes of chains from a revision on. Sizes are measured one after the other, so that no more documents are looked at than
 * fit, and one more. Throws REVISION_COMPACTED where some may have been removed.
 */
export async function readEvents(
  sql: Sql,
  { from, facts, limit, maxBytes }: EventsQuery,
): Promise<EventsPage> {
  const next = (above: ReturnType<Sql>) => sql`
    select h.revision, coalesce(octet_length(h.chain_data::text), 0) as bytes from trust_chain_revisions h
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
      from walk w join trust_chain_revisions c using (revision) ${previous(sql)}
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    ) page on true
    order by page.revision`
  const { oldest = 1n, walked = 0n } = rows[0] ?? {}
  if (from < oldest) throw compacted(from, oldest)
  const page = rows.filter(({ revision }) => revision !== null)
  return { rows: page, complete: BigInt(page.length) === walked }
}

/** The chains that match at one moment, by the revisions of their last changes, and the newest revision of any chain then. */
export interface CurrentRevisions {
  head: bigint
  /** Big-endian 64-bit numbers in ascending order. */
  revisions: Buffer
}

/** What is there now, in one statement, so at one moment. */
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

/** The changes of the first of these revisions, as many as fit, and how many revisions that is; those that are gone are left out. */
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
        select octet_length(h.chain_data::text) from trust_chain_revisions h where h.revision = a.asked[w.place + 1]), 0)
      from walk w cross join (select ${sql.array(revisions, BIGINTS)}::bigint[] as asked) a
      where w.place < ${revisions.length} and w.bytes <= ${maxBytes}
    ), fitting as (
      select * from walk where place = 1 or place > 1 and bytes <= ${maxBytes}
    )
    select (select max(place) from fitting)::integer as taken, page.*
    from (select) one left join (
      select ${record(sql)}, c.operation, c.request_id, c.chain_data
      from fitting join trust_chain_revisions c using (revision)
    ) page on true
    order by page.revision`
  return { rows: rows.filter(({ revision }) => revision !== null), taken: rows[0]?.taken ?? 0 }
}

/** From which revision on the history is whole, and the newest revision of all. */
export async function readEnds(sql: Sql): Promise<{ oldest: bigint; newest: bigint }> {
  const rows = await sql<{ oldest: bigint; newest: bigint }[]>`
    select oldest_revision as oldest, ${newestInHistory(sql)} as newest
    from trust_history`
  return rows[0] ?? { oldest: 1n, newest: 0n }
}

/** Throws what PostgreSQL says of a JSON text that JSONB cannot hold. */
export async function assureJsonb(sql: Sql, text: string): Promise<void> {
  await sql`select jsonb_typeof(${text}::text::jsonb)`
}

function columns(sql: Sql, facts: boolean) {
  return sql`${record(sql)}, c.operation, c.request_id, c.chain_data,
    ${factsOf(sql, sql`c.chain_data`, facts)} as facts, ${metadataOf(sql, sql`c.chain_data`, facts)} as metadata,
    p.authority_id as previous_authority_id, p.is_active as previous_is_active, p.expires_at as previous_expires_at,
    ${factsOf(sql, sql`p.chain_data`, facts)} as previous_facts,
    ${metadataOf(sql, sql`p.chain_data`, facts)} as previous_metadata`
}

function previous(sql: Sql) {
  return sql`left join lateral (
    select h.authority_id, h.is_active, h.expires_at, h.chain_data from trust_chain_revisions h
    where h.agent_id = c.agent_id and h.revision < c.revision order by h.revision desc limit 1
  ) p on true`
}

type Piece = ReturnType<Sql>

/** By the expressions of filter.ts. */
function factsOf(sql: Sql, data: Piece, asked: boolean): Piece {
  if (!asked) return sql`null::jsonb`
  return sql`case when ${data} is not null then jsonb_build_object(
    'capabilities', jsonb_path_query_array(${data}, '$.capabilities[*].capability'),
    'types', jsonb_path_query_array(${data}, '$.capabilities[*].capability_type'),
    'delegators', jsonb_path_query_array(${data}, '$.delegations[*].delegator_id')) end`
}

function metadataOf(sql: Sql, data: Piece, asked: boolean): Piece {
  if (!asked) return sql`null::text`
  return sql`case when trust_chain_metadata(${data}) is not null then ${data} #>> '{genesis,metadata_json}' end`
}
