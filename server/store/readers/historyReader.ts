import type { JsonValue } from "@bufbuild/protobuf"
import type { Database } from "../database/database.js"
import { ofKeys } from "../database/keyed.js"
import { createReads } from "../database/reads.js"
import { type Sql, TEXTS } from "../database/sql.js"
import { assureKept, type HistoricalPoint } from "../history/historicalPoint.js"
import type { HistoryStore } from "../history/historyStore.js"
import type { AuthorityRow } from "../rows/authorityRows.js"
import type { ServedRow } from "../rows/chainRows.js"
import { authorityColumns, recordColumns, standingColumns } from "../rows/columns.js"
import { servedChain } from "../rows/servedChain.js"
import { signerOf } from "../rows/signer.js"
import { memoize } from "./memoize.js"
import type { TrustReader } from "./trustReader.js"

/**
 * A reader for one call that answers with the state at a point in history. A chain that was purged later counts as purged
 * then too, because its documents are gone. Reads of chains throw REVISION_COMPACTED if the history no longer reaches back to
 * the point.
 */
export function historyReader(
  database: Database,
  { firstStored }: HistoryStore,
  point: HistoricalPoint,
): TrustReader {
  const chains = createReads<HistoricalChainRow>({
    read: (ids) => database.run((sql) => kept(sql, point, readChainsAt(sql, ids, point))),
    idOf: (row) => row.agent_id,
  })
  const authorities = createReads<HistoricalAuthorityRow>({
    read: (ids) => database.run((sql) => readAuthoritiesAt(sql, ids, point)),
    idOf: (row) => row.authority_id,
  })
  const readChain = memoize(chains)
  return {
    getChain: async (agentId) => {
      const row = await readChain(agentId)
      return row && hasChain(row) ? servedChain(row) : null
    },
    getAuthority: memoize(async (authorityId) => {
      const row = await authorities(authorityId)
      return row && hasAuthority(row) ? signerOf(row) : null
    }),
    goneAgents: async (agentIds) => {
      const rows = await Promise.all(agentIds.map(readChain))
      const purged = agentIds.filter((_, index) => rows[index]?.chain_data === null)
      const revoked = await database.run((sql) => readRevokedAt(sql, agentIds, point))
      return new Set([...purged, ...revoked])
    },
    firstStored,
  }
}

async function kept<Rows>(sql: Sql, point: HistoricalPoint, reading: Promise<Rows>): Promise<Rows> {
  const rows = await reading
  await assureKept(sql, point)
  return rows
}

type HistoricalChainRow = Omit<ServedRow, "chain_data"> & { chain_data: JsonValue | null }
type HistoricalAuthorityRow = Omit<AuthorityRow, "authority_data"> & { authority_data: JsonValue | null }

function hasChain(row: HistoricalChainRow): row is ServedRow {
  return row.chain_data !== null
}

function hasAuthority(row: HistoricalAuthorityRow): row is AuthorityRow {
  return row.authority_data !== null
}

/** The newest row of each of these agents at that point, tombstones included. */
async function readChainsAt(
  sql: Sql,
  agentIds: string[],
  point: HistoricalPoint,
): Promise<HistoricalChainRow[]> {
  const rows = await sql<HistoricalChainRow[]>`
    select ${recordColumns(sql)}, c.chain_data, 0 as chain_bytes, ${standingColumns(sql)}
    from unnest(${sql.array(agentIds, TEXTS)}) as asked (id)
    cross join lateral (
      select * from trust_chain_history h where h.agent_id = asked.id and ${upTo(sql, point)}
      order by h.revision desc limit 1
    ) c`
  return ofKeys(rows, agentIds, ({ agent_id }) => agent_id)
}

async function readAuthoritiesAt(
  sql: Sql,
  authorityIds: string[],
  point: HistoricalPoint,
): Promise<HistoricalAuthorityRow[]> {
  const rows = await sql<HistoricalAuthorityRow[]>`
    select ${authorityColumns(sql)}
    from unnest(${sql.array(authorityIds, TEXTS)}) as asked (id)
    cross join lateral (
      select * from trust_authority_revisions h where h.authority_id = asked.id and ${upTo(sql, point)}
      order by h.revision desc limit 1
    ) a`
  return ofKeys(rows, authorityIds, ({ authority_id }) => authority_id)
}

function upTo(sql: Sql, { revision, micros }: HistoricalPoint) {
  return revision === undefined
    ? sql`h.updated_at <= ${sql.typed.timestamptz(micros)}`
    : sql`h.revision <= ${revision}`
}

/** Those of these agents that were revoked at that point, with or without a stored chain. */
async function readRevokedAt(sql: Sql, agentIds: string[], { micros }: HistoricalPoint): Promise<string[]> {
  const at = sql.typed.timestamptz(micros)
  const rows = await sql<{ agent_id: string }[]>`
    select distinct r.agent_id from trust_revocations r
    where r.agent_id = any (${sql.array(agentIds, TEXTS)}) and r.kind = 'agent' and r.revoked_at <= ${at}
      and (r.lifted_at is null or r.lifted_at > ${at}) and (r.mode <> 'graceful' or r.effective_at <= ${at})`
  return ofKeys(rows, agentIds, ({ agent_id }) => agent_id).map(({ agent_id }) => agent_id)
}
