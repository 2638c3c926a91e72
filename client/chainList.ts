import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  type ListChainsRequestSchema,
  type ListChainsResponse,
  type ListedChain,
  ListedChainSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { type Paged, paged } from "./pages.js"
import type { Call } from "./rpc/calls.js"

/** Which chains, and from which page on. */
export type ListRequest = MessageInitShape<typeof ListChainsRequestSchema>

/**
 * The chains of a list. A stored row that does not parse comes too, after the other chains of its page, with its `record` and
 * without a `chain`.
 */
export type ChainList = Paged<ListChainsResponse, ListedChain>

type ListChains = Call<(typeof TrustStoreService)["method"]["listChains"], CallOptions>

/** A list over the RPC ListChains. */
export function chainList(listChains: ListChains, request: ListRequest, options?: CallOptions): ChainList {
  return paged(
    // The token stands for the place after the page; an offset would be passed over again on each.
    (pageToken) =>
      listChains(pageToken === undefined ? request : { ...request, offset: 0, pageToken }, options),
    ({ chains, unreadable }) => [
      ...chains,
      ...unreadable.map((record) => create(ListedChainSchema, { record })),
    ],
  )
}
