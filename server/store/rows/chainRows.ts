import { create, fromJson, type JsonValue } from "@bufbuild/protobuf"
import {
  type ChainRecord,
  ChainRecordSchema,
  ChainStatus,
  SignatureStatus,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { timestampOf } from "./micros.js"

/** The columns of a record in trust_chains and trust_chain_revisions. Times are microseconds since 1970. */
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

/** A row with everything that decides whether its chain is in force. */
export interface ServedRow extends ChainRow {
  /** The revoked records of the chain. */
  revocations: RevokedRecord[]
  /** The revision with which its document was stored. */
  document_revision: bigint
}

/** A delegation or capability of a chain that is revoked. */
export interface RevokedRecord {
  kind: "delegation" | "capability"
  record_id: string
  /** Since when, in microseconds since 1970; null if at once. */
  from: number | null
  /** Of a cascade that is in progress, or was when the chain last changed: the capability names that are revoked. */
  names?: string[] | null
  /** Likewise: what descends from it is in documents that were stored before this revision. */
  since?: number
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

/** The document of a row as a chain, of whatever agent. Throws an Error for one that is no chain or has an unknown field. */
export function documentOf({ chain_data }: Pick<ChainRow, "chain_data">): TrustLineageChain {
  return fromJson(TrustLineageChainSchema, chain_data)
}

/**
 * The chain of a row. Throws an Error for a document that is no chain, has an unknown field, or is about another agent, which must
 * not be served under this one's name.
 */
export function chainOf(row: Pick<ChainRow, "agent_id" | "chain_data">): TrustLineageChain {
  const chain = documentOf(row)
  const agentId = chain.genesis?.agentId ?? ""
  if (agentId !== row.agent_id)
    throw new Error(`the chain is about ${JSON.stringify(agentId)}, another agent`)
  return chain
}
