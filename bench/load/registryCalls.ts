import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import {
  GetChainRequestSchema,
  ListChainsRequestSchema,
  StoreChainRequestSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"

/** Where RPCs of the registry are called. */
export const GET_CHAIN = "/trustregistry.v1.TrustStoreService/GetChain"
export const IMPORT_CHAINS = "/trustregistry.v1.TrustStoreService/ImportChains"
export const WATCH_CHAINS = "/trustregistry.v1.TrustStoreService/WatchChains"
export const LIST_CHAINS = "/trustregistry.v1.TrustStoreService/ListChains"
export const COUNT_CHAINS = "/trustregistry.v1.TrustStoreService/CountChains"
export const STORE_CHAIN = "/trustregistry.v1.TrustStoreService/StoreChain"

/** GetChain of an agent. */
export function getChain(agentId: string): Uint8Array {
  return toBinary(GetChainRequestSchema, create(GetChainRequestSchema, { agentId }))
}

/** StoreChain of a chain. */
export function storeChain(chain: TrustLineageChain): Uint8Array {
  return toBinary(StoreChainRequestSchema, create(StoreChainRequestSchema, { chain }))
}

/** ListChains of a page. */
export function listChains(request: MessageInitShape<typeof ListChainsRequestSchema>): Uint8Array {
  return toBinary(ListChainsRequestSchema, create(ListChainsRequestSchema, request))
}
