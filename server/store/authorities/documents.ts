import { ofKeys } from "../database/keyed.js"
import type { Sql } from "../database/sql.js"
import type { AuthorityRow } from "../rows/authorityRows.js"
import { authorityColumns } from "../rows/columns.js"

/** Which page of an authority's documents to read. */
export interface DocumentPage {
  authorityId: string
  /** The documents right after this revision; 0 for those of now. */
  atRevision: bigint
  /** Only revisions above this one; 0 to start from the oldest. */
  after: bigint
  limit: number
  /** The page ends before the document that would exceed this many bytes of JSON text, but holds at least one. */
  maxBytes: number
}

/**
 * A page of the revisions that made a document of an authority, the oldest first, and whether more follow. By the index of
 * (authority_id, revision desc). What a deletion by hand ended has no documents left.
 */
export async function listDocuments(
  sql: Sql,
  { authorityId, atRevision, after, limit, maxBytes }: DocumentPage,
): Promise<{ rows: AuthorityRow[]; more: boolean }> {
  const until = atRevision === 0n ? sql`` : sql`and a.revision <= ${atRevision}`
  const rows = await sql<(AuthorityRow & { candidates: bigint })[]>`
    with candidate as (
      select ${authorityColumns(sql)} from trust_authority_revisions a
      where a.authority_id = ${authorityId} and a.is_document and a.authority_data is not null and a.revision > ${after} ${until}
      order by a.revision limit ${limit + 1}
    ), measured as (
      select *, count(*) over () as candidates, row_number() over (order by revision) as place,
             sum(octet_length(authority_data::text) + coalesce(octet_length(document_proof::text), 0) + ${DOCUMENT_BYTES})
               over (order by revision) as bytes
      from candidate
    )
    select * from measured
    where place <= ${limit} and (place = 1 or bytes <= ${maxBytes})
    order by revision`
  ofKeys(rows, [authorityId], ({ authority_id }) => authority_id)
  return { rows, more: BigInt(rows.length) < (rows[0]?.candidates ?? 0n) }
}

/** What a document adds besides its texts, in bytes: its hash, revision, time and protobuf's overhead. */
const DOCUMENT_BYTES = 128
