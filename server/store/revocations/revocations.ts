import { ofKeys } from "../database/keyed.js"
import type { Sql } from "../database/sql.js"
import type { RevocationRow, RevokedKindText } from "../rows/revocationRows.js"

/** What to revoke, together with everything that descends from it. */
export interface Revoke {
  kind: RevokedKindText
  /** The agent, or the agent whose chain holds the record; undefined for a key. */
  agentId?: string
  /** The authority of a key; otherwise undefined. */
  authorityId?: string
  /** Id of the delegation, capability or key; empty for an agent. */
  recordId: string
  mode: RevocationRow["mode"]
  /** When a graceful revocation takes effect, in microseconds since 1970. */
  effectiveAt?: bigint | undefined
  /** Since when a key may have been compromised, in microseconds since 1970. */
  compromisedAt?: bigint | undefined
  reason: string
  /** A UUID, which becomes the revocation's id. A request is never applied twice. */
  requestId: string
  /** Tells the request from another one with the same id. */
  requestHash: string
  actor: string
}

/** The outcome of a revocation; see trust_revocations_write and trust_revocations_lift for what each means. */
export interface RevocationOutcome {
  outcome:
    | "revoked"
    | "replayed"
    | "reused"
    | "agent_not_found"
    | "authority_not_found"
    | "record_not_found"
    | "past"
    | "lifted"
    | "unchanged"
    | "not_found"
    | "not_suspension"
  /** The newest revision that the request made; 0 if none. */
  head: bigint
  /** A row per revoked record, at most 10,001; the one that the request names comes first. */
  rows: RevocationRow[]
  /** How many records are revoked so far. */
  total: bigint
  /** How many more are known to be revoked, or lifted, yet; null once all are. */
  waiting: bigint | null
}

/** Most records that descend from the one that is named, for all to be written at once. Beyond, they follow in portions. */
const MOST_AT_ONCE = 1_000

type AnswerRow = { [Column in keyof RevocationRow]: unknown } & Pick<RevocationOutcome, "outcome"> & {
    head: bigint | null
    total: bigint | null
    waiting: bigint | null
  }

/**
 * Revokes. It is durable once this resolves with an outcome that accepts it.
 *
 * @param notAfter when this server gives up the write, by the clock of the database in microseconds since 1970
 */
export async function writeRevocation(
  sql: Sql,
  revoke: Revoke,
  notAfter: bigint,
): Promise<RevocationOutcome> {
  const at = (micros: bigint | undefined) =>
    micros === undefined ? sql`null::timestamptz` : sql`${sql.typed.timestamptz(micros)}`
  const rows = await sql<AnswerRow[]>`
    select * from trust_revocations_write(
      ${revoke.kind}, ${revoke.agentId ?? null}, ${revoke.authorityId ?? null}, ${revoke.recordId}, ${revoke.mode},
      ${at(revoke.effectiveAt)}, ${at(revoke.compromisedAt)}, ${revoke.reason}, ${revoke.requestId},
      ${revoke.requestHash}, ${revoke.actor}, ${sql.typed.timestamptz(notAfter)}, ${MOST_AT_ONCE})`
  return outcomeOf(rows)
}

/** Lifts a suspension, otherwise like {@link writeRevocation}. */
export async function liftRevocation(
  sql: Sql,
  lift: { revocationId: string; requestId: string; actor: string },
  notAfter: bigint,
): Promise<RevocationOutcome> {
  const rows = await sql<AnswerRow[]>`
    select * from trust_revocations_lift(
      ${lift.revocationId}, ${lift.requestId}, ${lift.actor}, ${sql.typed.timestamptz(notAfter)},
      ${MOST_AT_ONCE})`
  return outcomeOf(rows)
}

/** Which page of which revocations to read. */
export interface RevocationPage {
  agentId: string
  authorityId: string
  revocationId: string
  standingOnly: boolean
  /** The state right after this revision; 0 for that of now. */
  atRevision: bigint
  /** Only what was made with a revision below this one; undefined to start from the newest. */
  below: bigint | undefined
  limit: number
}

/** A revocation in a list. */
export interface ListedRevocation extends RevocationRow {
  /** The revision with which it was made. A lift changes `revision`, and not this: pages go by it. */
  made: bigint
}

/** A page of revocations, the last made first, and whether more follow. */
export async function listRevocations(
  sql: Sql,
  page: RevocationPage,
): Promise<{ rows: ListedRevocation[]; more: boolean }> {
  const { atRevision } = page
  const liftedLater = atRevision === 0n ? sql`false` : sql`revision > ${atRevision}`
  const rows = await sql<ListedRevocation[]>`
    select coalesce(made_revision, revision) as made, case when ${liftedLater} then made_revision else revision end as revision,
           revocation_id, kind, agent_id, authority_id, record_id, mode, descends_from, effective_at, compromised_at, reason,
           revoked_at, revoked_by, case when not ${liftedLater} then lifted_at end as lifted_at,
           case when not ${liftedLater} then lifted_by end as lifted_by
    from trust_revocations
    where true ${page.agentId ? sql`and agent_id = ${page.agentId}` : sql``}
      ${page.authorityId ? sql`and authority_id = ${page.authorityId}` : sql``}
      ${page.revocationId ? sql`and revocation_id = ${page.revocationId}` : sql``}
      ${page.standingOnly ? sql`and (lifted_at is null or ${liftedLater})` : sql``}
      ${atRevision === 0n ? sql`` : sql`and coalesce(made_revision, revision) <= ${atRevision}`}
      ${page.below === undefined ? sql`` : sql`and coalesce(made_revision, revision) < ${page.below}`}
    order by coalesce(made_revision, revision) desc limit ${page.limit + 1}`
  if (page.agentId) ofKeys(rows, [page.agentId], ({ agent_id }) => agent_id ?? "")
  if (page.authorityId) ofKeys(rows, [page.authorityId], ({ authority_id }) => authority_id ?? "")
  if (page.revocationId) ofKeys(rows, [page.revocationId], ({ revocation_id }) => revocation_id)
  return { rows: rows.slice(0, page.limit), more: rows.length > page.limit }
}

function outcomeOf(rows: AnswerRow[]): RevocationOutcome {
  const [first] = rows
  if (!first) throw new Error("the revocation gave no outcome")
  // These rows have all columns. Where there is none, the answer is a single row of nulls.
  const stored = rows.filter(({ revision }) => revision !== null)
  const { outcome, head, total, waiting } = first
  return {
    outcome,
    head: head ?? 0n,
    rows: stored as unknown as RevocationRow[],
    total: total ?? 0n,
    waiting,
  }
}
