import { isoFromMicros } from "@trust-registry/eatp"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { Sql } from "../database/sql.js"
import { newestInHistory } from "../feed/changes.js"

/** A point in the registry's history. */
export interface HistoricalPoint {
  /** The moment, in microseconds since 1970. */
  readonly micros: bigint
  /** The revision made at that moment; unset for the last one up to the moment. The point is right after it. */
  readonly revision?: bigint
}

/**
 * Throws REVISION_COMPACTED if the history no longer reaches back to the point. Call it after reading the history: compaction
 * could run between an earlier check and the read.
 */
export async function assureKept(sql: Sql, { revision, micros }: HistoricalPoint): Promise<void> {
  const rows = await sql<{ oldest: bigint; since: bigint | null }[]>`
    select h.oldest_revision as oldest, r.updated_at as since
    from trust_history h left join trust_chain_revisions r on r.revision = h.oldest_revision`
  const { oldest = 1n, since = null } = rows[0] ?? {}
  if (revision !== undefined && revision < oldest) throw compacted(revision, oldest)
  if (revision === undefined && oldest > 1n && since !== null && micros < since)
    throw compactedAt(micros, since, oldest)
}

/** The oldest revision from which on the history is complete. */
export async function readOldestRevision(sql: Sql): Promise<bigint> {
  const rows = await sql<{ oldest: bigint }[]>`select oldest_revision as oldest from trust_history`
  return rows[0]?.oldest ?? 1n
}

/** The error for a revision that was compacted away. */
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

/** When a revision was made. */
export interface RevisionMoment {
  /** The newest revision of all; 0 if there is none. */
  newest: bigint
  /** The time of the last change up to that revision, in microseconds since 1970; null if it is before the first change. */
  micros: bigint | null
}

/**
 * When a revision was made, and the newest revision of all. A number whose transaction was rolled back counts as the change
 * before it. Throws REVISION_COMPACTED if the history no longer reaches back to it.
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
