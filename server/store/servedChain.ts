import { decode, encode, GetChainResponseSchema, type TrustLineageChain } from "@trust-registry/proto"
import { corrupt } from "./corrupt.js"
import { type ChainRow, chainOf, recordOf } from "./rows.js"

/** A chain as it is served. */
export interface ServedChain {
  /** GetChainResponse in protobuf's binary form. */
  bytes: Buffer
  /** The chain itself, made of the bytes when it is first asked for: most are only handed on. */
  chain(): TrustLineageChain
  revision: bigint
  /** The stored flag. */
  active: boolean
  /** The effective expiry in milliseconds since 1970; Infinity: never. */
  expiresAtMs: number
}

/** A row as it is served. Throws TRUST_CHAIN_CORRUPT for a document that does not parse. */
export function servedChain(row: ChainRow): ServedChain {
  const bytes = encode(GetChainResponseSchema, { chain: readable(row), record: recordOf(row) })
  let chain: TrustLineageChain | undefined
  return {
    bytes,
    chain: () => {
      chain ??= decode(GetChainResponseSchema, bytes).chain as TrustLineageChain // encoded above
      return chain
    },
    revision: row.revision,
    active: row.is_active,
    expiresAtMs: row.expires_at === null ? Number.POSITIVE_INFINITY : Number(row.expires_at) / 1000,
  }
}

function readable(row: ChainRow) {
  try {
    return chainOf(row)
  } catch (cause) {
    throw corrupt(row.agent_id, cause)
  }
}
