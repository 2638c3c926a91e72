import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import {
  GetChainRequestSchema,
  ListChainsRequestSchema,
  StoreChainRequestSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"

/** The paths of the registry's RPCs. */
export const GET_CHAIN = "/trustregistry.v1.TrustStoreService/GetChain"
export const IMPORT_CHAINS = "/trustregistry.v1.TrustStoreService/ImportChains"
export const WATCH_CHAINS = "/trustregistry.v1.TrustStoreService/WatchChains"
export const LIST_CHAINS = "/trustregistry.v1.TrustStoreService/ListChains"
export const COUNT_CHAINS = "/trustregistry.v1.TrustStoreService/CountChains"
export const STORE_CHAIN = "/trustregistry.v1.TrustStoreService/StoreChain"

/** An encoded GetChain request. */
export function getChain(agentId: string): Uint8Array {
  return toBinary(GetChainRequestSchema, create(GetChainRequestSchema, { agentId }))
}

/** An encoded StoreChain request. */
export function storeChain(chain: TrustLineageChain): Uint8Array {
  return toBinary(StoreChainRequestSchema, create(StoreChainRequestSchema, { chain }))
}

/** An encoded ListChains request. */
export function listChains(request: MessageInitShape<typeof ListChainsRequestSchema>): Uint8Array {
  return toBinary(ListChainsRequestSchema, create(ListChainsRequestSchema, request))
}
