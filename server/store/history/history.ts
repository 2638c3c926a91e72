import type { JsonValue } from "@bufbuild/protobuf"
import { isoFromMicros } from "@trust-registry/eatp"
import { ChainOperation, ChainRevisionSchema, ErrorReason, encode, encodeItems } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { record } from "../chains/chains.js"
import { encodedListed } from "../chains/encodedChain.js"
import type { RecordRow } from "../chains/rows.js"
import type { Sql } from "../database/sql.js"

/** A change of a chain as the history tells it: the record as it was then, and the document unless it is gone or was not asked for. */
export interface RevisionRow extends RecordRow {
  operation: OperationText
  request_id: string
  chain_data: JsonValue | null
}

/** What was done, as it stands in trust_chain_revisions. */
export type OperationText =
  | "created"
  | "updated"
  | "deleted"
  | "restored"
  | "suspended"
  | "revoked"
  | "purged"
  | "revocations_changed"

/** Which page of the changes of an agent. */
export interface RevisionsQuery {
  agentId: string
  /** Only revisions below this one; undefined: from the newest. */
  before: bigint | undefined
  limit: number
  /** The page ends before the document that would pass this size as JSON text, though it holds at least one change. */
  maxBytes: number
  documents: boolean
}

/** A page of the changes of an agent. */
export interface RevisionsPage {
  /** Newest first. */
  rows: RevisionRow[]
  more: boolean
  /** The oldest revision from which on the history is whole. */
  oldest: bigint
}

/**
 * A page of the changes of an agent, newest first. Sizes are measured one after the other, so that no more documents are
 * looked at than a page can hold.
 */
export async function listRevisions(sql: Sql, query: RevisionsQuery): Promise<RevisionsPage> {
  const { agentId, before, limit, maxBytes, documents } = query
  const bytes = documents ? sql`coalesce(octet_length(h.chain_data::text), 0)` : sql`0`
  const next = (below: ReturnType<Sql>) => sql`
    select h.revision, ${bytes} as bytes from trust_chain_revisions h
    where h.agent_id = ${agentId} and ${below} order by h.revision desc limit 1`
  const rows = await sql<(RevisionRow & { oldest: bigint; walked: bigint })[]>`
    with recursive walk (revision, place, bytes) as (
      (select revision, 1, bytes::bigint from (${next(before === undefined ? sql`true` : sql`h.revision < ${before}`)}) first)
      union all
      select h.revision, w.place + 1, w.bytes + h.bytes
      from walk w cross join lateral (${next(sql`h.revision < w.revision`)}) h
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    )
    select history.oldest_revision as oldest, (select count(*) from walk) as walked, page.*
    from trust_history history left join (
      select ${record(sql)}, c.operation, c.request_id,
             ${documents ? sql`c.chain_data` : sql`null::jsonb as chain_data`}
      from walk w join trust_chain_revisions c using (revision)
      where w.place <= ${limit} and (w.place = 1 or w.bytes <= ${maxBytes})
    ) page on true
    order by page.revision desc`
  const { oldest = 1n, walked = 0n } = rows[0] ?? {}
  const page = rows.filter(({ revision }) => revision !== null)
  return { rows: page, more: BigInt(page.length) < walked, oldest }
}

/** A state of the registry that was. */
export interface Past {
  /** At this moment, in microseconds since 1970. */
  readonly micros: bigint
  /** Right after this revision, whose moment that is; unset: after the last one up to the moment. */
  readonly revision?: bigint
}

/**
 * Throws REVISION_COMPACTED where the history no longer tells how things stood then. To be asked after what was read of it:
 * before, it could be removed in between.
 */
export async function assureKept(sql: Sql, { revision, micros }: Past): Promise<void> {
  const rows = await sql<{ oldest: bigint; since: bigint | null }[]>`
    select h.oldest_revision as oldest, r.updated_at as since
    from trust_history h left join trust_chain_revisions r on r.revision = h.oldest_revision`
  const { oldest = 1n, since = null } = rows[0] ?? {}
  if (revision !== undefined && revision < oldest) throw compacted(revision, oldest)
  if (revision === undefined && oldest > 1n && since !== null && micros < since)
    throw compactedAt(micros, since, oldest)
}

/** The oldest revision from which on the history is whole. */
export async function readOldestRevision(sql: Sql): Promise<bigint> {
  const rows = await sql<{ oldest: bigint }[]>`select oldest_revision as oldest from trust_history`
  return rows[0]?.oldest ?? 1n
}

/** The history no longer tells of a revision. */
export function compacted(revision: bigint, oldest: bigint): RegistryError {
  return new RegistryError(
    ErrorReason.REVISION_COMPACTED,
    `the history was compacted: it reaches back to revision ${oldest}, and ${revision} is before it`,
    { metadata: { oldest_revision: String(oldest), revision: String(revision) } },
  )
}

function compactedAt(micros: bigint, since: bigint, oldest: bigint) {
  return new RegistryError(
    ErrorReason.REVISION_COMPACTED,
    `the history was compacted: it reaches back to ${isoFromMicros(since)} (revision ${oldest}), and ${isoFromMicros(micros)} is before it`,
    {
      metadata: {
        oldest_revision: String(oldest),
        oldest_time: isoFromMicros(since),
        time: isoFromMicros(micros),
      },
    },
  )
}

/** The ChainRevision of a row in binary form, with its document if there is one that parses. */
export function encodedRevision(row: RevisionRow): Buffer {
  const rest = encode(ChainRevisionSchema, {
    operation: OPERATIONS[row.operation],
    requestId: row.request_id,
  })
  return encodeItems(ChainRevisionSchema.field.stored, [encodedListed(row)], rest)
}

/** What was done, as the contract names it. */
const OPERATIONS: Readonly<Record<OperationText, ChainOperation>> = {
  created: ChainOperation.CREATED,
  updated: ChainOperation.UPDATED,
  deleted: ChainOperation.DELETED,
  restored: ChainOperation.RESTORED,
  suspended: ChainOperation.SUSPENDED,
  revoked: ChainOperation.REVOKED,
  purged: ChainOperation.PURGED,
  revocations_changed: ChainOperation.REVOCATIONS_CHANGED,
}
