import type { ChainEvent, StoredChain } from "@trust-registry/proto"

/**
 * The chain and record that an event of a watch is about, whatever its kind. The chain itself is set only while it matches
 * the filter and the view asks for it. Undefined for a kind that this client does not know.
 */
export function storedChainOf({ kind }: ChainEvent): StoredChain | undefined {
  return kind.case === "current" ? kind.value : kind.value?.stored
}
