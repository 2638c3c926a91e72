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
  async function* pages() {
    let page = await listChains(request, options)
    yield page
    while (page.nextPageToken !== "") {
      // The token stands for the place after the page; an offset would be passed over again on each.
      page = await listChains({ ...request, offset: 0, pageToken: page.nextPageToken }, options)
      yield page
    }
  }
  return {
    pages,
    page: () => listChains(request, options),
    async *[Symbol.asyncIterator]() {
      for await (const { chains, unreadable } of pages()) {
        yield* chains
        for (const record of unreadable) yield create(ListedChainSchema, { record })
      }
    },
  }
}
