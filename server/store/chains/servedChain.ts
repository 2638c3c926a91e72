import { type AgentRevocations, isEffective, isInForce, type Standing } from "@trust-registry/eatp"
import { decode, GetChainResponseSchema, type TrustLineageChain } from "@trust-registry/proto"
import { corrupt } from "./corrupt.js"
import { encodedWithChain } from "./encodedChain.js"
import { type RecordRow, type RevokedRecord, recordOf, type ServedRow } from "./rows.js"

/** A chain as it is served. */
export interface ServedChain {
  /** GetChainResponse in protobuf's binary form. */
  bytes: Buffer
  /** The chain itself, made of the bytes when it is first asked for: most are only handed on. */
  chain(): TrustLineageChain
  revision: bigint
  /** The stored state. */
  status: RecordRow["status"]
  /** The effective expiry in microseconds since 1970; null: never. */
  expiresAt: bigint | null
  /** When a graceful revocation of the agent takes effect, in microseconds since 1970; null: never. */
  revokesAt: bigint | null
  /** Records of the chain that are revoked. */
  revocations: readonly RevokedRecord[]
}

/** What decides whether a chain is in force. */
export function standingOf({ status, expiresAt, revokesAt }: ServedChain): Standing {
  return { active: status === "active", expiresAt, revokesAt }
}

/** Whether a chain is active at a moment, in microseconds since 1970, whether it has expired or not. */
export function isActive(chain: ServedChain, nowMicros: bigint): boolean {
  return isInForce({ ...standingOf(chain), expiresAt: null }, nowMicros)
}

/** What of a chain is revoked at a moment, in microseconds since 1970. */
export function revocationsOf(
  { status, revokesAt, revocations }: ServedChain,
  nowMicros: bigint,
): AgentRevocations {
  const agent = status === "revoked" || status === "suspended" || isEffective(revokesAt, nowMicros)
  const ids = (kind: RevokedRecord["kind"]) => {
    const counting = revocations.filter(
      (record) => record.kind === kind && isEffective(BigInt(record.from ?? 0), nowMicros),
    )
    return new Set(counting.map(({ record_id }) => record_id))
  }
  return { agent, delegations: ids("delegation"), capabilities: ids("capability") }
}

/** A row as it is served. Throws TRUST_CHAIN_CORRUPT for a document that does not parse. */
export function servedChain(row: ServedRow): ServedChain {
  const bytes = responseOf(row)
  let chain: TrustLineageChain | undefined
  return {
    bytes,
    chain: () => {
      chain ??= decode(GetChainResponseSchema, bytes).chain as TrustLineageChain // encoded above
      return chain
    },
    revision: row.revision,
    status: row.status,
    expiresAt: row.expires_at,
    revokesAt: row.revokes_at,
    revocations: row.revocations,
  }
}

function responseOf(row: ServedRow): Buffer {
  try {
    return encodedWithChain(GetChainResponseSchema, row, { record: recordOf(row) })
  } catch (cause) {
    throw corrupt(row.agent_id, cause)
  }
}
