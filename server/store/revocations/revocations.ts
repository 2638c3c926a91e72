import type { Sql } from "../database/sql.js"
import type { RevocationRow, RevokedKindText } from "./revocationRows.js"

/** What to revoke, with all that descends from it. */
export interface Revoke {
  kind: RevokedKindText
  /** The agent, or the agent in whose chain the record stands; of a key undefined. */
  agentId?: string
  /** The authority of a key. */
  authorityId?: string
  /** Id of the delegation, capability or key; of an agent empty. */
  recordId: string
  mode: RevocationRow["mode"]
  /** Of a graceful one; microseconds since 1970. */
  effectiveAt?: bigint | undefined
  /** Of a key; microseconds since 1970. */
  compromisedAt?: bigint | undefined
  reason: string
  /** A UUID, which becomes the revocation's id; the same one is never done twice. */
  requestId: string
  /** Tells the request from another one under the same id. */
  requestHash: string
  actor: string
}

/** How a revocation was judged; see trust_revocations_write and trust_revocations_lift for what each outcome means. */
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
  /** Newest revision of what was done; 0 where nothing is. */
  head: bigint
  /** A row per record, what was named first. */
  rows: RevocationRow[]
}

type AnswerRow = { [Column in keyof RevocationRow]: unknown } & Pick<RevocationOutcome, "outcome"> & {
    head: bigint | null
  }

/**
 * Revokes; it is durable when this resolves with an outcome that says so.
 *
 * @param notAfter until when it is waited for, by the clock of the database in microseconds since 1970
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
      ${revoke.requestHash}, ${revoke.actor}, ${sql.typed.timestamptz(notAfter)})`
  return outcomeOf(rows)
}

/** Lifts a suspension; as {@link writeRevocation}. */
export async function liftRevocation(
  sql: Sql,
  lift: { revocationId: string; requestId: string; actor: string },
  notAfter: bigint,
): Promise<RevocationOutcome> {
  const rows = await sql<AnswerRow[]>`
    select * from trust_revocations_lift(
      ${lift.revocationId}, ${lift.requestId}, ${lift.actor}, ${sql.typed.timestamptz(notAfter)})`
  return outcomeOf(rows)
}

/** Which page of which revocations. */
export interface RevocationPage {
  agentId: string
  authorityId: string
  revocationId: string
  standingOnly: boolean
  /** Only revisions below this one; undefined: from the newest. */
  below: bigint | undefined
  limit: number
}

/** A page of revocations, newest change first, and whether more follow. */
export async function listRevocations(
  sql: Sql,
  page: RevocationPage,
): Promise<{ rows: RevocationRow[]; more: boolean }> {
  const rows = await sql<RevocationRow[]>`
    select revision, revocation_id, kind, agent_id, authority_id, record_id, mode, descends_from, effective_at,
           compromised_at, reason, revoked_at, revoked_by, lifted_at, lifted_by
    from trust_revocations
    where true ${page.agentId ? sql`and agent_id = ${page.agentId}` : sql``}
      ${page.authorityId ? sql`and authority_id = ${page.authorityId}` : sql``}
      ${page.revocationId ? sql`and revocation_id = ${page.revocationId}` : sql``}
      ${page.standingOnly ? sql`and lifted_at is null` : sql``}
      ${page.below === undefined ? sql`` : sql`and revision < ${page.below}`}
    order by revision desc limit ${page.limit + 1}`
  return { rows: rows.slice(0, page.limit), more: rows.length > page.limit }
}

/** When each signature in the chain of an agent was first stored, in microseconds since 1970, as far as history is kept. */
export async function readFirstStored(sql: Sql, agentId: string): Promise<Map<string, bigint>> {
  const rows = await sql<{ signature: string; first: bigint }[]>`
    select s.signature #>> '{}' as signature, min(h.updated_at) as first
    from trust_chain_revisions h,
      unnest(array['$.**.signature', '$.**.reasoning_signature', '$.chain_state_signature']::jsonpath[]) path,
      jsonb_path_query(h.chain_data, path) s (signature)
    where h.agent_id = ${agentId} and h.chain_data is not null
    group by 1`
  return new Map(rows.map(({ signature, first }) => [signature, first]))
}

function outcomeOf(rows: AnswerRow[]): RevocationOutcome {
  const [first] = rows
  if (!first) throw new Error("the revocation gave no outcome")
  // What is left has all columns: the answer is one row of nulls where there is none.
  const stored = rows.filter(({ revision }) => revision !== null)
  return { outcome: first.outcome, head: first.head ?? 0n, rows: stored as unknown as RevocationRow[] }
}
