import type { ChainEvent, StoredChain } from "@trust-registry/proto"

/**
 * Returns the chain and record of a watch event of any kind. The chain itself is set only while it matches the filter and
 * the view includes it. Undefined for a kind that this client does not know.
 */
export function storedChainOf({ kind }: ChainEvent): StoredChain | undefined {
  return kind.case === "current" ? kind.value : kind.value?.stored
}
