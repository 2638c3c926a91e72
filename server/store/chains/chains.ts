import type { JsonValue } from "@bufbuild/protobuf"
import type { ChainFilter } from "@trust-registry/proto"
import { ofKeys } from "../database/keyed.js"
import { type Fragment, type Sql, TEXTS } from "../database/sql.js"
import { conditionsOf } from "../filter/conditions.js"
import type { ChainRow, RecordRow, ServedRow } from "../rows/chainRows.js"
import { recordColumns, standingColumns } from "../rows/columns.js"

/** Most bytes of one read of chains by id, which holds at least one chain. */
export const MAX_READ_BYTES = 2 * 1024 * 1024

/**
 * The rows of these agents; agents without one are left out. A row that does not fit in one read comes without its document and
 * with `left` set.
 */
export async function readChains(sql: Sql, agentIds: string[]): Promise<(ServedRow & { left: boolean })[]> {
  const rows = await sql<(ServedRow & { left: boolean })[]>`
    select ${recordColumns(sql)}, c."left", case when not c."left" then c.chain_data end as chain_data, chain_bytes, ${standingColumns(sql)}
    from (
      select *, sum(chain_bytes) over (order by agent_id) - chain_bytes >= ${MAX_READ_BYTES} as "left"
      from trust_chains where agent_id = any (${sql.array(agentIds, TEXTS)})
    ) c`
  return ofKeys(rows, agentIds, ({ agent_id }) => agent_id)
}

/**
 * Those of these agents that have no chain and are known not to be in force: their chain was purged (the history holds a tombstone),
 * or they are revoked.
 *
 * @param now the time at which graceful revocations are judged, in microseconds since 1970
 */
export async function readGone(sql: Sql, agentIds: string[], now: bigint): Promise<Set<string>> {
  const rows = await sql<{ agent_id: string }[]>`
    select a.agent_id from unnest(${sql.array(agentIds, TEXTS)}) as a (agent_id)
    where not exists (select from trust_chains c where c.agent_id = a.agent_id)
      and (exists (select from trust_chain_revisions h where h.agent_id = a.agent_id and h.operation = 'purged')
        or trust_agent_revoked(a.agent_id, ${sql.typed.timestamptz(now)}))`
  return new Set(ofKeys(rows, agentIds, ({ agent_id }) => agent_id).map(({ agent_id }) => agent_id))
}

/** Which page of which chains to read. */
export interface PageQuery {
  filter: ChainFilter | undefined
  /** Only agent ids above this one; empty to start from the first. */
  after: string
  offset: number
  limit: number
  /** The page ends before the chain that would exceed this many bytes, but holds at least one. */
  maxBytes: number
  /** Whether to read documents. Without them a page counts the size of its records only. */
  documents: boolean
  /** The time at which expiry is judged, in microseconds since 1970. */
  now: bigint
}

/**
 * A page of chains by agent_id, and whether more follow. Reads ids and sizes first, so that it reads no more documents than the page
 * can hold.
 */
export async function listChains(sql: Sql, query: PageQuery): Promise<{ rows: ChainRow[]; more: boolean }> {
  const { documents } = query
  const rows = await sql<(ChainRow & { candidates: bigint })[]>`
    with ${candidates(sql, query)}, measured as (
      select agent_id, count(*) over () as candidates, row_number() over (order by agent_id) as place,
             sum(${documents ? sql`chain_bytes` : sql`0`} + octet_length(agent_id) + ${RECORD_BYTES}) over (order by agent_id) as bytes
      from candidate
    )
    select ${recordColumns(sql)}, ${documents ? sql`c.chain_data` : sql`null::jsonb`} as chain_data, c.chain_bytes, m.candidates
    from measured m join trust_chains c using (agent_id)
    where m.place <= ${query.limit} and (m.place = 1 or m.bytes <= ${query.maxBytes})
    order by c.agent_id`
  return { rows, more: BigInt(rows.length) < (rows[0]?.candidates ?? 0n) }
}

/** What a record adds to its chain besides the agent id, in bytes: mainly the authority id and two hashes. */
export const RECORD_BYTES = 1024

/** Ids and sizes of a page and one row more. */
function candidates(sql: Sql, { filter, now, after, limit, offset }: PageQuery) {
  const { where, unordered } = conditionsOf(sql, filter, now)
  const page = sql`agent_id > ${after} order by agent_id limit ${limit + 1} offset ${offset}`
  return pageOfIds(sql, sql`candidate`, where, page, unordered)
}

/**
 * A `with` query of ids and sizes under that name. Rows that an index finds out of order are found first and sorted afterwards: with
 * `order by agent_id limit` beside the condition, the planner walks the primary key and tests each document (288 ms at 100,000
 * chains, against 1 to 46 ms).
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

/** A row, its newest revision in the history, and the first document that was written with its content hash. */
export interface ChainWithHistory {
  row: ChainRow | undefined
  newest: RecordRow | undefined
  written: JsonValue | undefined
}

/** What VerifyChainIntegrity compares. One statement, because a write between two would look like tampering. */
export async function readWithHistory(sql: Sql, agentId: string): Promise<ChainWithHistory> {
  const rows = await sql<(ChainRow & { part: "row" | "newest" | "written" })[]>`
    select 'row' as part, ${recordColumns(sql)}, chain_data, chain_bytes from trust_chains c where agent_id = ${agentId}
    union all
    (select 'newest', ${recordColumns(sql)}, null, 0 from trust_chain_revisions c
      where agent_id = ${agentId} order by revision desc limit 1)
    union all
    (select 'written', ${recordColumns(sql)}, chain_data, 0 from trust_chain_revisions c
      where agent_id = ${agentId} and chain_data is not null
        and content_hash = (select content_hash from trust_chains where agent_id = ${agentId})
      order by revision limit 1)`
  ofKeys(rows, [agentId], ({ agent_id }) => agent_id)
  const part = (name: string) => rows.find((row) => row.part === name)
  return { row: part("row"), newest: part("newest"), written: part("written")?.chain_data }
}
