import type { Fragment, Sql } from "../database/sql.js"

/** A change, as far as caches need to know it. */
export interface Change {
  revision: bigint
  /** What was changed; a revocation is also a change of the chains and authorities that it means, if there are any. */
  kind: "chain" | "authority" | "revocation"
  /** The agent id or the authority id. */
  id: string
}

/** A change with what tells it from any other change that another database has under the same revision. */
export interface MarkedChange extends Change {
  /** Null where there is nothing that lasts: a revocation that is lifted gets another revision. */
  mark: string | null
}

/**
 * The changes from revision `from` on, that one included, in the order of revisions, at most `limit`, of all histories at one
 * moment. Revisions are given out under a lock that is held to the commit, so none is missing below one that is seen.
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

/** The newest change that has a mark, if there is any. */
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

/** The mark of the change with that revision; null: there is none, or it has no mark. */
export async function readMark(sql: Sql, revision: bigint): Promise<string | null> {
  const rows = await sql<{ mark: string | null }[]>`
    ${chainChanges(sql)} where revision = ${revision} union all ${authorityChanges(sql)} where revision = ${revision}`
  return rows[0]?.mark ?? null
}

/** Which server answers, and whether it is one that hears of changes late. */
export async function readServer(sql: Sql): Promise<{ startedAt: bigint; standby: boolean } | undefined> {
  const rows = await sql<{ startedAt: bigint; standby: boolean }[]>`
    select pg_postmaster_start_time() as "startedAt", pg_is_in_recovery() as standby`
  return rows[0]
}

/** The newest revision that was given out, be it to a change that is not committed yet. */
export async function readNewestRevision(sql: Sql): Promise<bigint> {
  const rows = await sql<{ newest: bigint }[]>`
    select case when is_called then last_value else 0 end as newest from trust_revision`
  return rows[0]?.newest ?? 0n
}

/** For a `select`: the newest revision of all histories; 0 where there is none. */
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
