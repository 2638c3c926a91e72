import type { ChainFilter } from "@trust-registry/proto"
import type { Sql } from "../database/sql.js"
import { conditionsOf } from "../filter/conditions.js"
import { assureKept } from "../history/historicalPoint.js"
import type { ChainRow, RecordRow } from "../rows/chainRows.js"
import { recordColumns } from "../rows/columns.js"
import { pageOfIds, RECORD_BYTES } from "./chains.js"
import type { Nullable } from "./writes.js"

/** Which page of the state at a revision to read. */
export interface ExportQuery {
  filter: ChainFilter | undefined
  /** The state right after this revision. */
  revision: bigint
  /** Only agent ids above this one; empty to start from the first. */
  after: string
  limit: number
  /** The page ends before the chain that would exceed this many bytes, but holds at least one. */
  maxBytes: number
  /** Whether to read documents. Without them a page counts the size of its records only. */
  documents: boolean
  /** The time at which expiry is judged, in microseconds since 1970. */
  now: bigint
}

/**
 * The chains right after a revision, by agent_id, and whether more follow. What has not changed since comes from the table, the rest
 * from the history, so an export is of one moment and holds no transaction open between pages. A chain that was purged since is left
 * out, because its documents are gone. Throws REVISION_COMPACTED if the history no longer reaches back to the revision.
 */
export async function readExport(sql: Sql, query: ExportQuery): Promise<{ rows: ChainRow[]; more: boolean }> {
  const { revision, limit, maxBytes, after, now, documents } = query
  const data = documents ? sql`c.chain_data` : sql`null::jsonb`
  const rows = await sql<(ChainRow & { candidates: bigint })[]>`
    with ${unchanged(sql, query)}, changed as materialized (
      select was.agent_id, was.revision, was.chain_bytes from (
        select distinct h.agent_id from trust_chain_revisions h
        where h.revision > ${revision} and h.agent_id > ${after}
          and h.agent_id <= coalesce((select max(agent_id) from same having count(*) > ${limit}), h.agent_id)
      ) agent
      cross join lateral (
        select c.*, ${documents ? sql`octet_length(c.chain_data::text)` : sql`0`} as chain_bytes from (
          select * from trust_chain_history h where h.agent_id = agent.agent_id and h.revision <= ${revision}
          order by h.revision desc limit 1
        ) c
        where c.chain_data is not null and ${conditionsOf(sql, query.filter, now).where}
      ) was
    ), measured as (
      select agent_id, revision, count(*) over () as candidates, row_number() over (order by agent_id) as place,
             sum(${documents ? sql`chain_bytes` : sql`0`} + octet_length(agent_id) + ${RECORD_BYTES}) over (order by agent_id) as bytes
      from (select agent_id, null::bigint as revision, chain_bytes from same union all select * from changed) found
    ), part as (
      select * from measured where place <= ${limit} and (place = 1 or bytes <= ${maxBytes})
    )
    select ${recordColumns(sql)}, ${data} as chain_data, c.chain_bytes, p.candidates
    from part p join trust_chains c on c.agent_id = p.agent_id where p.revision is null
    union all
    select ${recordColumns(sql)}, ${data}, 0, p.candidates
    from part p join trust_chain_history c on c.revision = p.revision
    order by agent_id`
  await assureKept(sql, { revision, micros: 0n })
  return { rows, more: BigInt(rows.length) < (rows[0]?.candidates ?? 0n) }
}

/** Which chains of a past state to count. */
export type PastCount = Pick<ExportQuery, "filter" | "revision" | "now">

/**
 * How many chains matched right after a revision: those that have not changed since in the table, the rest in the history. Like
 * {@link readExport} it leaves out purged chains and throws REVISION_COMPACTED.
 *
 * The table is read by the index that the filter has in countChains. History is read by two: the primary key finds the agents
 * that changed since, (agent_id, revision desc) the state of each (1,000 changed of 100,000 chains: 45 ms).
 */
export async function countChainsAt(sql: Sql, { filter, revision, now }: PastCount): Promise<bigint> {
  const { where } = conditionsOf(sql, filter, now)
  const rows = await sql<{ count: bigint }[]>`
    select (select count(*) from trust_chains c where ${where} and c.revision <= ${revision})
      + (select count(*) from (select distinct agent_id from trust_chain_revisions where revision > ${revision}) agent
          cross join lateral (
            select * from trust_chain_history h where h.agent_id = agent.agent_id and h.revision <= ${revision}
            order by h.revision desc limit 1
          ) c
          where c.chain_data is not null and ${where}) as count`
  await assureKept(sql, { revision, micros: 0n })
  return rows[0]?.count ?? 0n
}

/** Ids and sizes of what has not changed since. */
function unchanged(sql: Sql, { filter, now, revision, after, limit }: ExportQuery) {
  const { where, unordered } = conditionsOf(sql, filter, now)
  const part = sql`agent_id > ${after} order by agent_id limit ${limit + 1}`
  return pageOfIds(sql, sql`same`, sql`${where} and c.revision <= ${revision}`, part, unordered)
}

/** Agents looked at in one reading of tombstones. */
const TOMBSTONE_AGENTS = 2_000

/** Tombstones among the next agents that history knows. */
export interface TombstonePage {
  /** The newest record of each agent whose chain was purged at the revision, or was purged since, by agent_id. */
  rows: RecordRow[]
  /** The last agent that was looked at; undefined after the last of all. */
  last: string | undefined
}

/**
 * Reads tombstones. Goes from agent to agent by the index of (agent_id, revision desc), since few are purged: a bounded number in
 * one statement.
 */
export async function readTombstones(sql: Sql, revision: bigint, after: string): Promise<TombstonePage> {
  const rows = await sql<(Nullable<RecordRow> & { asked: string })[]>`
    with recursive agent as (
      (select h.agent_id, 1 as place from trust_chain_revisions h where h.agent_id > ${after} order by h.agent_id limit 1)
      union all
      (select n.agent_id, agent.place + 1 from agent cross join lateral (
        select h.agent_id from trust_chain_revisions h where h.agent_id > agent.agent_id order by h.agent_id limit 1) n
      where agent.place < ${TOMBSTONE_AGENTS})
    )
    select agent.agent_id as asked, tombstone.* from agent
    left join lateral (
      select ${recordColumns(sql)} from trust_chain_revisions c
      where c.agent_id = agent.agent_id and c.operation = 'purged'
        and (c.revision <= ${revision} or not exists (select from trust_chains now where now.agent_id = agent.agent_id))
        and not exists (
          select from trust_chain_revisions later
          where later.agent_id = agent.agent_id and later.revision > c.revision and later.revision <= ${revision})
      order by c.revision desc limit 1
    ) tombstone on true
    order by agent.agent_id`
  const found = rows.filter(({ agent_id }) => agent_id !== null) as unknown as RecordRow[]
  return { rows: found, last: rows.length < TOMBSTONE_AGENTS ? undefined : rows.at(-1)?.asked }
}
