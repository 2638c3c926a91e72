import type { AgentRevocations } from "@trust-registry/eatp"
import {
  decode,
  encodeItems,
  GetChainResponseSchema,
  StoredChainSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { corrupt } from "./corrupt.js"
import { encodedStored } from "./encodedChain.js"
import type { RecordRow, RevokedRecord, ServedRow } from "./rows.js"

/** A chain as it is served. */
export interface ServedChain {
  /** GetChainResponse in protobuf's binary form. */
  bytes: Buffer
  /** The StoredChain within it, likewise: a part of the same memory. */
  stored: Buffer
  /** The chain itself, made of the bytes when it is first asked for: most are only handed on. */
  chain(): TrustLineageChain
  revision: bigint
  /** The stored state. */
  status: RecordRow["status"]
  /** The effective expiry in milliseconds since 1970; Infinity: never. */
  expiresAtMs: number
  /** When a graceful revocation of the agent takes effect, in milliseconds since 1970; Infinity: never. */
  revokesAtMs: number
  /** Records of the chain that are revoked. */
  revocations: readonly RevokedRecord[]
}

/** Whether a chain is active at a moment, in milliseconds since 1970. Expiry is another matter. */
export function isActive({ status, revokesAtMs }: ServedChain, nowMs: number): boolean {
  return status === "active" && nowMs < revokesAtMs
}

/** What of a chain stands revoked at a moment, in milliseconds since 1970. */
export function revocationsOf(
  { status, revokesAtMs, revocations }: ServedChain,
  nowMs: number,
): AgentRevocations {
  const agent = status === "revoked" || status === "suspended" || nowMs >= revokesAtMs
  const ids = (kind: RevokedRecord["kind"]) => {
    const counting = revocations.filter(
      (record) => record.kind === kind && (record.from ?? 0) / 1000 <= nowMs,
    )
    return new Set(counting.map(({ record_id }) => record_id))
  }
  return { agent, delegations: ids("delegation"), capabilities: ids("capability") }
}

/** A row as it is served. Throws TRUST_CHAIN_CORRUPT for a document that does not parse. */
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
    status: row.status,
    expiresAtMs: msOf(row.expires_at),
    revokesAtMs: msOf(row.revokes_at),
    revocations: row.revocations,
  }
}

function msOf(micros: bigint | null): number {
  return micros === null ? Number.POSITIVE_INFINITY : Number(micros) / 1000
}

function storedOf(row: ServedRow): Buffer {
  try {
    return encodedStored(row)
  } catch (cause) {
    throw corrupt(row.agent_id, cause)
  }
}
