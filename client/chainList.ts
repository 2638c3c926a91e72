import type { MessageInitShape } from "@bufbuild/protobuf"
import { create } from "@bufbuild/protobuf"
import {
  type Call,
  type ListChainsRequestSchema,
  type ListChainsResponse,
  type ListedChain,
  ListedChainSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { pagesOf } from "./pages.js"

/** Which chains, and from which page on. */
export type ListRequest = MessageInitShape<typeof ListChainsRequestSchema>

/**
 * The chains of a list: iterate it for all of them, page after page. Nothing is asked for before that.
 *
 * A stored row that does not parse comes too, after the other chains of its page, with its `record` and without a `chain`.
 */
export interface ChainList extends AsyncIterable<ListedChain> {
  /** Page after page, from the request's page_token on. */
  pages(): AsyncIterable<ListChainsResponse>
  /** The one page that the request asks for. */
  page(): Promise<ListChainsResponse>
}

type ListChains = Call<(typeof TrustStoreService)["method"]["listChains"], CallOptions>

/** A list over the RPC ListChains; each page is a call of its own, with its own deadline. */
export function chainList(listChains: ListChains, request: ListRequest, options?: CallOptions): ChainList {
  // The token stands for the place after the page; an offset would be passed over again on each.
  const page = (pageToken?: string) =>
    listChains(pageToken === undefined ? request : { ...request, offset: 0, pageToken }, options)
  const pages = () => pagesOf(page)
  return {
    pages,
    page: () => page(),
    async *[Symbol.asyncIterator]() {
      for await (const { chains, unreadable } of pages()) {
        yield* chains
        for (const record of unreadable) yield create(ListedChainSchema, { record })
      }
    },
  }
}
