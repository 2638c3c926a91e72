import { create, fromJson, type JsonValue } from "@bufbuild/protobuf"
import type { Timestamp } from "@bufbuild/protobuf/wkt"
import {
  type ChainRecord,
  ChainRecordSchema,
  ChainStatus,
  SignatureStatus,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"

/** The columns of a record, of trust_chains and of trust_chain_revisions alike. Times are microseconds since 1970. */
export interface RecordRow {
  agent_id: string
  revision: bigint
  authority_id: string
  chain_hash: string
  content_hash: string
  status: "active" | "deleted" | "suspended" | "revoked"
  is_active: boolean
  signature_status: "unverified" | "verified"
  created_at: bigint
  updated_at: bigint
  expires_at: bigint | null
  updated_by: string
  /** When a graceful revocation takes effect. */
  revokes_at: bigint | null
}

/** A row with its document. */
export interface ChainRow extends RecordRow {
  chain_data: JsonValue
  chain_bytes: number
}

/** A row with all that its chain is judged by. */
export interface ServedRow extends ChainRow {
  /** Records of the chain that are revoked. */
  revocations: RevokedRecord[]
}

/** A delegation or capability of a chain that is revoked. */
export interface RevokedRecord {
  kind: "delegation" | "capability"
  record_id: string
  /** From when, in microseconds since 1970; null: at once. */
  from: number | null
}

const STATUS = {
  active: ChainStatus.ACTIVE,
  deleted: ChainStatus.DELETED,
  suspended: ChainStatus.SUSPENDED,
  revoked: ChainStatus.REVOKED,
} as const

const SIGNATURE_STATUS = {
  unverified: SignatureStatus.UNVERIFIED,
  verified: SignatureStatus.VERIFIED,
} as const

/** The record of a row. */
export function recordOf(row: RecordRow): ChainRecord {
  return create(ChainRecordSchema, {
    agentId: row.agent_id,
    authorityId: row.authority_id,
    revision: row.revision,
    chainHash: row.chain_hash,
    contentHash: row.content_hash,
    status: STATUS[row.status],
    createdAt: timestampOf(row.created_at),
    updatedAt: timestampOf(row.updated_at),
    ...(row.expires_at === null ? {} : { expiresAt: timestampOf(row.expires_at) }),
    signatureStatus: SIGNATURE_STATUS[row.signature_status],
    updatedBy: row.updated_by,
    ...(row.revokes_at === null ? {} : { revokesAt: timestampOf(row.revokes_at) }),
  })
}

/**
 * The chain of a row. Throws an Error for a document that is none, that has a field we do not know, or that is about another
 * agent: it must not be served under this one's name.
 */
export function chainOf(row: Pick<ChainRow, "agent_id" | "chain_data">): TrustLineageChain {
  const chain = fromJson(TrustLineageChainSchema, row.chain_data)
  const agentId = chain.genesis?.agentId ?? ""
  if (agentId !== row.agent_id)
    throw new Error(`the chain is about ${JSON.stringify(agentId)}, another agent`)
  return chain
}

/** Microseconds since 1970 as google.protobuf.Timestamp. */
export function timestampOf(micros: bigint): { seconds: bigint; nanos: number } {
  const seconds = micros >= 0n ? micros / 1_000_000n : -((999_999n - micros) / 1_000_000n)
  return { seconds, nanos: Number(micros - seconds * 1_000_000n) * 1000 }
}

/** The moment by the clock of this process, in microseconds since 1970. */
export function nowMicros(): bigint {
  return BigInt(Date.now()) * 1000n
}

/** google.protobuf.Timestamp as microseconds since 1970; what is finer is cut off. */
export function microsOf(timestamp: Pick<Timestamp, "seconds" | "nanos">): bigint {
  return timestamp.seconds * 1_000_000n + BigInt(Math.floor(timestamp.nanos / 1000))
}
