import type { JsonValue } from "@bufbuild/protobuf"
import { columns } from "../authorities/authorities.js"
import type { AuthorityRow } from "../authorities/authorityRows.js"
import { signerOf } from "../authorities/signer.js"
import { once, type TrustReader } from "../cache/trustReader.js"
import { record } from "../chains/chains.js"
import type { ServedRow } from "../chains/rows.js"
import { servedChain } from "../chains/servedChain.js"
import type { Database } from "../database/database.js"
import { createReads } from "../database/reads.js"
import { type Sql, TEXTS } from "../database/sql.js"
import { newestInHistory } from "../feed/changes.js"
import { readFirstStored } from "../revocations/revocations.js"
import { assureKept, type Past } from "./history.js"

/**
 * A reader for one call that knows what the history tells of then. A chain whose documents were removed for good since
 * counts as removed then: nobody can say any more what it was.
 */
export function pastReader(database: Database, past: Past): TrustReader {
  const chains = createReads<PastChainRow>(
    (ids) => database.run((sql) => kept(sql, past, readPastChains(sql, ids, past))),
    (row) => row.agent_id,
  )
  const authorities = createReads<PastAuthorityRow>(
    (ids) => database.run((sql) => readPastAuthorities(sql, ids, past)),
    (row) => row.authority_id,
  )
  const readChain = once(chains)
  return {
    getChain: async (agentId) => {
      const row = await readChain(agentId)
      return row && hasChain(row) ? servedChain(row) : null
    },
    getAuthority: once(async (authorityId) => {
      const row = await authorities(authorityId)
      return row && hasAuthority(row) ? signerOf(row) : null
    }),
    goneAgents: async (agentIds) => {
      const rows = await Promise.all(agentIds.map(readChain))
      const gone = agentIds.filter((_, index) => rows[index]?.chain_data === null)
      const revoked = await database.run((sql) => readPastRevoked(sql, agentIds, past))
      return new Set([...gone, ...revoked])
    },
    firstStored: (agentId) => database.scan((sql) => readFirstStored(sql, agentId)),
  }
}

async function kept<Rows>(sql: Sql, past: Past, reading: Promise<Rows>): Promise<Rows> {
  const rows = await reading
  await assureKept(sql, past)
  return rows
}

/** When a revision was. */
export interface RevisionMoment {
  /** The newest revision of all; 0: there is none. */
  newest: bigint
  /** The moment of the last change up to the one that was asked for, in microseconds since 1970; null: none was so early. */
  micros: bigint | null
}

/**
 * When a revision was, and which is the newest. Numbers of changes that were given up are passed over. Throws
 * REVISION_COMPACTED where the history no longer tells how things stood then.
 */
export async function readMoment(sql: Sql, revision: bigint): Promise<RevisionMoment> {
  const rows = await sql<RevisionMoment[]>`
    select ${newestInHistory(sql)} as newest,
      (select updated_at from (
        (select revision, updated_at from trust_chain_revisions
          where revision <= ${revision} order by revision desc limit 1)
        union all
        (select revision, updated_at from trust_authority_revisions
          where revision <= ${revision} order by revision desc limit 1)
        union all
        (select revision, coalesce(lifted_at, revoked_at) from trust_revocations
          where revision <= ${revision} order by revision desc limit 1)
      ) r order by revision desc limit 1) as micros`
  const moment = rows[0] ?? { newest: 0n, micros: null }
  await assureKept(sql, { revision, micros: moment.micros ?? 0n })
  return moment
}

type PastChainRow = Omit<ServedRow, "chain_data"> & { chain_data: JsonValue | null }
type PastAuthorityRow = Omit<AuthorityRow, "authority_data"> & { authority_data: JsonValue | null }

function hasChain(row: PastChainRow): row is ServedRow {
  return row.chain_data !== null
}

function hasAuthority(row: PastAuthorityRow): row is AuthorityRow {
  return row.authority_data !== null
}

/** The newest row of each of these agents up to then; tombstones too. */
async function readPastChains(sql: Sql, agentIds: string[], past: Past): Promise<PastChainRow[]> {
  return await sql<PastChainRow[]>`
    select ${record(sql)}, c.chain_data, 0 as chain_bytes, c.revocations
    from unnest(${sql.array(agentIds, TEXTS)}) as asked (id)
    cross join lateral (
      select * from trust_chain_revisions h where h.agent_id = asked.id and ${upTo(sql, past)}
      order by h.revision desc limit 1
    ) c`
}

async function readPastAuthorities(
  sql: Sql,
  authorityIds: string[],
  past: Past,
): Promise<PastAuthorityRow[]> {
  return await sql<PastAuthorityRow[]>`
    select ${columns(sql)}
    from unnest(${sql.array(authorityIds, TEXTS)}) as asked (id)
    cross join lateral (
      select * from trust_authority_revisions h where h.authority_id = asked.id and ${upTo(sql, past)}
      order by h.revision desc limit 1
    ) a`
}

function upTo(sql: Sql, { revision, micros }: Past) {
  return revision === undefined
    ? sql`h.updated_at <= ${sql.typed.timestamptz(micros)}`
    : sql`h.revision <= ${revision}`
}

/** Those of these agents that stood revoked then, whether a chain of theirs was stored or not. */
async function readPastRevoked(sql: Sql, agentIds: string[], { micros }: Past): Promise<string[]> {
  const at = sql.typed.timestamptz(micros)
  const rows = await sql<{ agent_id: string }[]>`
    select distinct r.agent_id from trust_revocations r
    where r.agent_id = any (${sql.array(agentIds, TEXTS)}) and r.kind = 'agent' and r.revoked_at <= ${at}
      and (r.lifted_at is null or r.lifted_at > ${at}) and (r.mode <> 'graceful' or r.effective_at <= ${at})`
  return rows.map(({ agent_id }) => agent_id)
}
