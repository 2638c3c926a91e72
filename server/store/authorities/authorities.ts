import { ofKeys } from "../database/keyed.js"
import { type Sql, TEXTS } from "../database/sql.js"
import type { AuthorityRow } from "../rows/authorityRows.js"
import { authorityColumns } from "../rows/columns.js"

/** A change of one authority. */
export interface AuthorityWrite {
  operation: "register" | "register_inactive" | "import" | "import_inactive" | "update" | "deactivate"
  authorityId: string
  /** A UUID. A request is never applied twice. */
  requestId: string
  /** Tells the request from another one with the same id. */
  requestHash: string
  actor: string
  expectedRevision: bigint | undefined
  /** The document; for register and update. */
  document?: DocumentWrite
  /** The documents that led to it in another registry, the oldest first; for register. */
  earlier?: DocumentWrite[]
}

/** A document of an authority, to be written. */
export interface DocumentWrite {
  /** The whole authority as ProtoJSON text with proto field names. */
  json: string
  /** Its DocumentProof as ProtoJSON text; null: none is known. */
  proof: string | null
  /** Whether every document up to this one is signed by the authority. */
  selfSigned: boolean
}

/** The outcome of a write; see trust_authorities_write for what each means. */
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
    | "parent_not_permitted"
    | "parent_cycle"
  /** The row after the write, or the one in its way; undefined if none is stored. */
  row: AuthorityRow | undefined
}

/** The rows of these authorities; ids without one are left out. */
export async function readAuthorities(sql: Sql, authorityIds: string[]): Promise<AuthorityRow[]> {
  const rows = await sql<AuthorityRow[]>`
    select ${authorityColumns(sql)} from trust_authorities a where authority_id = any (${sql.array(authorityIds, TEXTS)})`
  return ofKeys(rows, authorityIds, ({ authority_id }) => authority_id)
}

/** The row of an authority, if there is one. */
export async function readAuthority(sql: Sql, authorityId: string): Promise<AuthorityRow | undefined> {
  const rows = await sql<AuthorityRow[]>`
    select ${authorityColumns(sql)} from trust_authorities a where authority_id = ${authorityId}`
  return ofKeys(rows, [authorityId], ({ authority_id }) => authority_id)[0]
}

/** What a change starts from: the current row, and what the same request_id did before. */
export interface AuthorityBefore {
  row: AuthorityRow | undefined
  done: { row: AuthorityRow; requestHash: string } | undefined
}

/** One statement, so that a change just made by another attempt of the same request shows in both or in neither. */
export async function readAuthorityBefore(
  sql: Sql,
  authorityId: string,
  requestId: string,
): Promise<AuthorityBefore> {
  const rows = await sql<(AuthorityRow & { request_hash: string; is_done: boolean })[]>`
    select ${authorityColumns(sql)}, '' as request_hash, false as is_done
    from trust_authorities a where authority_id = ${authorityId}
    union all
    select ${authorityColumns(sql)}, request_hash, true
    from trust_authority_revisions a where authority_id = ${authorityId} and request_id = ${requestId}`
  ofKeys(rows, [authorityId], ({ authority_id }) => authority_id)
  const done = rows.find(({ is_done }) => is_done)
  return {
    row: rows.find(({ is_done }) => !is_done),
    done: done && { row: done, requestHash: done.request_hash },
  }
}

/**
 * Makes a change. It is durable and in the history once this resolves with an outcome that accepts it.
 *
 * @param notAfter when this server gives up the write, by the clock of the database in microseconds since 1970
 */
export async function writeAuthority(
  sql: Sql,
  write: AuthorityWrite,
  notAfter: bigint,
): Promise<AuthorityOutcome> {
  const { document, earlier } = write
  const rows = await sql<(Pick<AuthorityOutcome, "outcome"> & { [Column in keyof AuthorityRow]: unknown })[]>`
    select * from trust_authorities_write(
      ${write.operation}, ${write.authorityId}, ${write.requestId}, ${write.requestHash}, ${write.actor},
      ${write.expectedRevision ?? null}, ${document?.json ?? null}::text::jsonb, ${document?.proof ?? null}::text::jsonb,
      ${document?.selfSigned ?? false}, ${earlier ? arrayJson(earlier) : null}::text::jsonb,
      ${sql.typed.timestamptz(notAfter)})`
  const [row] = rows
  if (!row) throw new Error("trust_authorities_write gave no outcome")
  ofKeys(rows, [write.authorityId], (row) => row.authority_id as string | null)
  return { outcome: row.outcome, row: row.revision === null ? undefined : (row as AuthorityRow) }
}

// Put together as text, so that documents stay as they are.
function arrayJson(documents: DocumentWrite[]): string {
  const items = documents.map(
    ({ json, proof, selfSigned }) => `{"document":${json},"proof":${proof},"signed":${selfSigned}}`,
  )
  return `[${items.join(",")}]`
}

/** Which page of which authorities to read. */
export interface AuthorityPage {
  activeOnly: boolean
  /** The state right after this revision; 0 for that of now. */
  atRevision: bigint
  /** Only ids above this one; empty to start from the first. */
  after: string
  limit: number
  /** The page ends before the authority that would exceed this many bytes, but holds at least one. */
  maxBytes: number
}

/** A page of authorities by id, and whether more follow. One that was deleted by hand has no documents left in the history. */
export async function listAuthorities(
  sql: Sql,
  { activeOnly, atRevision, after, limit, maxBytes }: AuthorityPage,
): Promise<{ rows: AuthorityRow[]; more: boolean }> {
  const active = activeOnly ? sql`and a.is_active` : sql``
  const rows = await sql<(AuthorityRow & { candidates: bigint })[]>`
    with candidate as (
      select ${authorityColumns(sql)} from ${atRevision === 0n ? sql`trust_authorities` : authoritiesAt(sql, atRevision)} a
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

/** By the index of (authority_id, revision desc), up to the end of the page. */
function authoritiesAt(sql: Sql, revision: bigint) {
  return sql`(
    select * from (
      select distinct on (h.authority_id) h.* from trust_authority_revisions h
      where h.revision <= ${revision} order by h.authority_id, h.revision desc
    ) newest where newest.authority_data is not null)`
}

/** What a record adds besides its texts, in bytes: revision, times and protobuf's overhead. */
const RECORD_BYTES = 128
