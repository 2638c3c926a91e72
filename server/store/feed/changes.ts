import type { Fragment, Sql } from "../database/sql.js"

/** A change, as much of it as caches need. */
export interface Change {
  revision: bigint
  /** What was changed. A revocation is followed by changes of the chains and authorities that it affects, if there are any. */
  kind: "chain" | "authority" | "revocation"
  /** The agent id or the authority id. */
  id: string
}

/** A change with a mark that tells it from another database's change with the same revision. */
export interface MarkedChange extends Change {
  /** Null for revocations, which get another revision when they are lifted. */
  mark: string | null
}

/**
 * At most `limit` changes from revision `from` on, `from` included, of all histories at one moment, in the order of revisions.
 * Revisions are assigned under a lock that is held until the commit, so none is missing below one that is seen.
 */
export async function readChanges(sql: Sql, from: bigint, limit: number): Promise<MarkedChange[]> {
  return await sql<MarkedChange[]>`
    select revision, kind, id, mark from (
      (${chainChanges(sql)} where revision >= ${from} order by revision limit ${limit})
      union all
      (${authorityChanges(sql)} where revision >= ${from} order by revision limit ${limit})
      union all
      (${revocationChanges(sql)} where revision >= ${from} order by revision limit ${limit})
    ) change
    order by revision limit ${limit}`
}

/** The newest change of all, if there is any. */
export async function readNewestChange(sql: Sql): Promise<MarkedChange | undefined> {
  const rows = await sql<MarkedChange[]>`
    select revision, kind, id, mark from (
      (${chainChanges(sql)} order by revision desc limit 1)
      union all
      (${authorityChanges(sql)} order by revision desc limit 1)
      union all
      (${revocationChanges(sql)} order by revision desc limit 1)
    ) change
    order by revision desc limit 1`
  return rows[0]
}

/** The newest change with a mark, if there is any. */
export async function readNewestMarked(sql: Sql): Promise<MarkedChange | undefined> {
  const rows = await sql<MarkedChange[]>`
    select revision, kind, id, mark from (
      (${chainChanges(sql)} order by revision desc limit 1)
      union all
      (${authorityChanges(sql)} order by revision desc limit 1)
    ) change
    order by revision desc limit 1`
  return rows[0]
}

/** The mark of the change with that revision; null if there is no such change, or it has no mark. */
export async function readMark(sql: Sql, revision: bigint): Promise<string | null> {
  const rows = await sql<{ mark: string | null }[]>`
    ${chainChanges(sql)} where revision = ${revision} union all ${authorityChanges(sql)} where revision = ${revision}`
  return rows[0]?.mark ?? null
}

/** Which PostgreSQL server answers, and whether it is a standby, which sees changes late. */
export async function readServer(sql: Sql): Promise<{ startedAt: bigint; standby: boolean } | undefined> {
  const rows = await sql<{ startedAt: bigint; standby: boolean }[]>`
    select pg_postmaster_start_time() as "startedAt", pg_is_in_recovery() as standby`
  return rows[0]
}

/** The newest revision that was assigned, even to a change that is not committed yet. */
export async function readNewestRevision(sql: Sql): Promise<bigint> {
  const rows = await sql<{ newest: bigint }[]>`
    select case when is_called then last_value else 0 end as newest from trust_revision`
  return rows[0]?.newest ?? 0n
}

/** The newest revision of all histories as an expression; 0 if there is none. */
export function newestInHistory(sql: Sql): Fragment {
  return sql`greatest((select max(revision) from trust_chain_revisions),
    (select max(revision) from trust_authority_revisions), (select max(revision) from trust_revocations), 0)`
}

function chainChanges(sql: Sql) {
  return sql`select revision, 'chain' as kind, agent_id as id, request_id::text as mark from trust_chain_revisions`
}

function authorityChanges(sql: Sql) {
  return sql`select revision, 'authority' as kind, authority_id as id, request_id::text as mark from trust_authority_revisions`
}

function revocationChanges(sql: Sql) {
  return sql`select revision, 'revocation' as kind, coalesce(agent_id, authority_id) as id, null as mark from trust_revocations`
}
