import type { JsonValue } from "@bufbuild/protobuf"
import type { ChainFilter } from "@trust-registry/proto"
import { type Fragment, type Sql, TEXTS } from "../database/sql.js"
import { conditionsOf } from "./filter.js"
import type { ChainRow, RecordRow, ServedRow } from "./rows.js"

/** What one read of chains by id holds at most, in bytes, though one chain at least. */
const MAX_READ_BYTES = 2 * 1024 * 1024

/**
 * The rows of these agents; agents without one are left out. A row that would be too much for one read comes without its
 * document, as `left`.
 */
export async function readChains(sql: Sql, agentIds: string[]): Promise<(ServedRow & { left: boolean })[]> {
  return await sql<(ServedRow & { left: boolean })[]>`
    select ${record(sql)}, c."left", case when not c."left" then c.chain_data end as chain_data, chain_bytes, revocations
    from (
      select *, sum(chain_bytes) over (order by agent_id) - chain_bytes >= ${MAX_READ_BYTES} as "left"
      from trust_chains where agent_id = any (${sql.array(agentIds, TEXTS)})
    ) c`
}

/**
 * Those of these agents of whom no chain is stored and who are known not to be in force: their row was removed for good (the
 * history holds a tombstone), or they stand revoked.
 *
 * @param now by which clock graceful revocations count, in microseconds since 1970
 */
export async function readGone(sql: Sql, agentIds: string[], now: bigint): Promise<Set<string>> {
  const rows = await sql<{ agent_id: string }[]>`
    select a.agent_id from unnest(${sql.array(agentIds, TEXTS)}) as a (agent_id)
    where not exists (select from trust_chains c where c.agent_id = a.agent_id)
      and (exists (select from trust_chain_revisions h where h.agent_id = a.agent_id and h.operation = 'purged')
        or trust_agent_revoked(a.agent_id, ${sql.typed.timestamptz(now)}))`
  return new Set(rows.map(({ agent_id }) => agent_id))
}

/** Which page of which chains. */
export interface PageQuery {
  filter: ChainFilter | undefined
  /** Only agent ids above this one; empty: from the first. */
  after: string
  offset: number
  limit: number
  /** The page ends before the chain that would pass this size, though it holds at least one. */
  maxBytes: number
  /** Whether with documents; without them a page counts its records only. */
  documents: boolean
  /** By which clock expiry is judged, in microseconds since 1970. */
  now: bigint
}

/**
 * A page of chains by agent_id, and whether more follow. Ids and sizes are read first, so that documents are read
 * for as many rows as the page can hold and no more.
 */
export async function listChains(sql: Sql, query: PageQuery): Promise<{ rows: ChainRow[]; more: boolean }> {
  const { documents } = query
  const rows = await sql<(ChainRow & { candidates: bigint })[]>`
    with ${candidates(sql, query)}, measured as (
      select agent_id, count(*) over () as candidates, row_number() over (order by agent_id) as place,
             sum(${documents ? sql`chain_bytes` : sql`0`} + octet_length(agent_id) + ${RECORD_BYTES}) over (order by agent_id) as bytes
      from candidate
    )
    select ${record(sql)}, ${documents ? sql`c.chain_data` : sql`null::jsonb`} as chain_data, c.chain_bytes, m.candidates
    from measured m join trust_chains c using (agent_id)
    where m.place <= ${query.limit} and (m.place = 1 or m.bytes <= ${query.maxBytes})
    order by c.agent_id`
  return { rows, more: BigInt(rows.length) < (rows[0]?.candidates ?? 0n) }
}

/** What a record adds to its chain, the agent id left aside: above all the authority id and two hashes. */
export const RECORD_BYTES = 1024

/** Ids and sizes of a page, one more than asked for. */
function candidates(sql: Sql, { filter, now, after, limit, offset }: PageQuery) {
  const { where, unordered } = conditionsOf(sql, filter, now)
  const page = sql`agent_id > ${after} order by agent_id limit ${limit + 1} offset ${offset}`
  return pageOfIds(sql, sql`candidate`, where, page, unordered)
}

/**
 * A `with` query of ids and sizes under that name. What an index finds out of order is found first and sorted then: beside
 * `order by agent_id limit` the planner would rather walk the primary key and test each document (at 100,000 chains 288 ms
 * against 1 to 46).
 */
export function pageOfIds(sql: Sql, name: Fragment, where: Fragment, page: Fragment, unordered: boolean) {
  const ids = sql`select c.agent_id, c.chain_bytes from trust_chains c where ${where}`
  return unordered
    ? sql`hit as materialized (${ids}),
        ${name} as materialized (select agent_id, chain_bytes from hit where ${page})`
    : sql`${name} as materialized (${ids} and ${page})`
}

/** How many chains match. */
export async function countChains(sql: Sql, filter: ChainFilter | undefined, now: bigint): Promise<bigint> {
  const { where } = conditionsOf(sql, filter, now)
  const rows = await sql<{ count: bigint }[]>`select count(*) as count from trust_chains c where ${where}`
  return rows[0]?.count ?? 0n
}

/** A row, its newest revision in the history, and the first document that was written under its content hash. */
export interface ChainWithHistory {
  row: ChainRow | undefined
  newest: RecordRow | undefined
  written: JsonValue | undefined
}

/** What VerifyChainIntegrity compares, in one statement: a write between two would look like a row that was tampered with. */
export async function readWithHistory(sql: Sql, agentId: string): Promise<ChainWithHistory> {
  const rows = await sql<(ChainRow & { part: "row" | "newest" | "written" })[]>`
    select 'row' as part, ${record(sql)}, chain_data, chain_bytes from trust_chains c where agent_id = ${agentId}
    union all
    (select 'newest', ${record(sql)}, null, 0 from trust_chain_revisions c
      where agent_id = ${agentId} order by revision desc limit 1)
    union all
    (select 'written', ${record(sql)}, chain_data, 0 from trust_chain_revisions c
      where agent_id = ${agentId} and chain_data is not null
        and content_hash = (select content_hash from trust_chains where agent_id = ${agentId})
      order by revision limit 1)`
  const part = (name: string) => rows.find((row) => row.part === name)
  return { row: part("row"), newest: part("newest"), written: part("written")?.chain_data }
}

/** The columns of a record, of `c`: trust_chains or its history. */
export function record(sql: Sql) {
  return sql`c.agent_id, c.revision, c.authority_id, c.chain_hash, c.content_hash, c.status, c.is_active,
    c.signature_status, c.created_at, c.updated_at, c.expires_at, c.updated_by,
    c.revokes_at`
}
