import { type Sql, TEXTS } from "../database/sql.js"
import type { AuthorityRow } from "./authorityRows.js"

/** A change of one authority. */
export interface AuthorityWrite {
  operation: "register" | "update" | "deactivate"
  authorityId: string
  /** A UUID; the same one is never done twice. */
  requestId: string
  /** Tells the request from another one under the same id. */
  requestHash: string
  actor: string
  expectedRevision: bigint | undefined
  /** The whole authority as ProtoJSON text with proto field names; for register and update. */
  json?: string
}

/** How a write was judged; see trust_authorities_write for what each outcome means. */
export interface AuthorityOutcome {
  outcome:
    | "registered"
    | "updated"
    | "deactivated"
    | "replayed"
    | "unchanged"
    | "reused"
    | "exists"
    | "not_found"
    | "conflict"
    | "parent_not_found"
    | "parent_cycle"
  /** The row that came of it or stood in its way; none where none is stored. */
  row: AuthorityRow | undefined
}

/** The rows of these authorities; those without one are left out. */
export async function readAuthorities(sql: Sql, authorityIds: string[]): Promise<AuthorityRow[]> {
  return await sql<AuthorityRow[]>`
    select ${columns(sql)} from trust_authorities a where authority_id = any (${sql.array(authorityIds, TEXTS)})`
}

/** The row of an authority, if there is one. */
export async function readAuthority(sql: Sql, authorityId: string): Promise<AuthorityRow | undefined> {
  const rows = await sql<AuthorityRow[]>`
    select ${columns(sql)} from trust_authorities a where authority_id = ${authorityId}`
  return rows[0]
}

/** What a change begins with: the row as it is, and what was done before under the same request_id. */
export interface AuthorityBefore {
  row: AuthorityRow | undefined
  done: { row: AuthorityRow; requestHash: string } | undefined
}

/** Both at one moment: a change that another attempt of the same request just made is seen twice or not at all. */
export async function readAuthorityBefore(
  sql: Sql,
  authorityId: string,
  requestId: string,
): Promise<AuthorityBefore> {
  const rows = await sql<(AuthorityRow & { request_hash: string; is_done: boolean })[]>`
    select ${columns(sql)}, '' as request_hash, false as is_done
    from trust_authorities a where authority_id = ${authorityId}
    union all
    select ${columns(sql)}, request_hash, true
    from trust_authority_revisions a where authority_id = ${authorityId} and request_id = ${requestId}`
  const done = rows.find(({ is_done }) => is_done)
  return {
    row: rows.find(({ is_done }) => !is_done),
    done: done && { row: done, requestHash: done.request_hash },
  }
}

/**
 * Makes a change; it is durable and in the history when this resolves with an outcome that says so.
 *
 * @param notAfter until when it is waited for, by the clock of the database in microseconds since 1970
 */
export async function writeAuthority(
  sql: Sql,
  write: AuthorityWrite,
  notAfter: bigint,
): Promise<AuthorityOutcome> {
  const rows = await sql<(Pick<AuthorityOutcome, "outcome"> & { [Column in keyof AuthorityRow]: unknown })[]>`
    select * from trust_authorities_write(
      ${write.operation}, ${write.authorityId}, ${write.requestId}, ${write.requestHash}, ${write.actor},
      ${write.expectedRevision ?? null}, ${write.json ?? null}::text::jsonb, ${sql.typed.timestamptz(notAfter)})`
  const [row] = rows
  if (!row) throw new Error("trust_authorities_write gave no outcome")
  return { outcome: row.outcome, row: row.revision === null ? undefined : (row as AuthorityRow) }
}

/** Which page of which authorities. */
export interface AuthorityPage {
  activeOnly: boolean
  /** Only ids above this one; empty: from the first. */
  after: string
  limit: number
  /** The page ends before the authority that would pass this size, though it holds at least one. */
  maxBytes: number
}

/** A page of authorities by id, and whether more follow. */
export async function listAuthorities(
  sql: Sql,
  { activeOnly, after, limit, maxBytes }: AuthorityPage,
): Promise<{ rows: AuthorityRow[]; more: boolean }> {
  const active = activeOnly ? sql`and a.is_active` : sql``
  const rows = await sql<(AuthorityRow & { candidates: bigint })[]>`
    with candidate as (
      select ${columns(sql)} from trust_authorities a
      where a.authority_id > ${after} ${active} order by a.authority_id limit ${limit + 1}
    ), measured as (
      select *, count(*) over () as candidates, row_number() over (order by authority_id) as place,
             sum(octet_length(authority_data::text) + octet_length(authority_id) + octet_length(updated_by) + ${RECORD_BYTES})
               over (order by authority_id) as bytes
      from candidate
    )
    select * from measured
    where place <= ${limit} and (place = 1 or bytes <= ${maxBytes})
    order by authority_id`
  return { rows, more: BigInt(rows.length) < (rows[0]?.candidates ?? 0n) }
}

/** What a record adds beside its texts: revision, times, and what protobuf puts round them. */
const RECORD_BYTES = 128

/** The columns of an authority, of `a`: trust_authorities or its history. */
export function columns(sql: Sql) {
  return sql`a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by`
}
