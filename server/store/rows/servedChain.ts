import { type AgentRevocations, isEffective, isExpired, isInForce, type Standing } from "@trust-registry/eatp"
import {
  decode,
  encodeItems,
  GetChainResponseSchema,
  StoredChainSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import type { RecordRow, RevokedRecord, ServedRow } from "./chainRows.js"
import { corrupt } from "./corrupt.js"
import { encodedStored } from "./encodedChain.js"

/** A chain as it is served. */
export interface ServedChain {
  /** The GetChainResponse in protobuf's binary form. */
  bytes: Buffer
  /** The StoredChain inside it, as a slice of the same memory. */
  stored: Buffer
  /** The chain itself, decoded when it is first asked for: most chains are only passed on as bytes. */
  chain(): TrustLineageChain
  revision: bigint
  /** All of its signatures were checked when it was stored, and hold. */
  verified: boolean
  /** The stored state. */
  status: RecordRow["status"]
  /** The effective expiry in microseconds since 1970; null: never. */
  expiresAt: bigint | null
  /** When a graceful revocation of the agent takes effect, in microseconds since 1970; null: never. */
  revokesAt: bigint | null
  /** The revision with which its document was stored. */
  documentRevision: bigint
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

/** Why a chain is not in force at a moment, in microseconds since 1970, in one word; undefined where it is. */
export function statusOf(
  { status, expiresAt, revokesAt }: ServedChain,
  nowMicros: bigint,
): Exclude<RecordRow["status"], "active"> | "expired" | undefined {
  if (status !== "active") return status
  if (isEffective(revokesAt, nowMicros)) return "revoked"
  return isExpired(expiresAt, nowMicros) ? "expired" : undefined
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

/** The served form of a row. Throws TRUST_CHAIN_CORRUPT for a document that does not parse. */
export function servedChain(row: ServedRow): ServedChain {
  const encoded = storedOf(row)
  const bytes = encodeItems(GetChainResponseSchema.field.stored, [encoded])
  const stored = bytes.subarray(bytes.length - encoded.length)
  let chain: TrustLineageChain | undefined
  return {
    bytes,
    stored,
    chain: () => {
      chain ??= decode(StoredChainSchema, stored).chain as TrustLineageChain // encoded above
      return chain
    },
    revision: row.revision,
    verified: row.signature_status === "verified",
    status: row.status,
    expiresAt: row.expires_at,
    revokesAt: row.revokes_at,
    documentRevision: row.document_revision,
    revocations: row.revocations,
  }
}

function storedOf(row: ServedRow): Buffer {
  try {
    return encodedStored(row)
  } catch (cause) {
    throw corrupt(row.agent_id, cause)
  }
}
