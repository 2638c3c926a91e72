import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  Call,
  ChainRevision,
  ListChainRevisionsRequestSchema,
  ListChainRevisionsResponse,
  TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { pagesOf } from "./pages.js"

/** Whose changes, and from which page on. */
export type RevisionListRequest = MessageInitShape<typeof ListChainRevisionsRequestSchema>

/** The changes of an agent's chain, newest first: iterate it for all of them. Nothing is asked for before that. */
export interface RevisionList extends AsyncIterable<ChainRevision> {
  /** Page after page, from the request's page_token on. */
  pages(): AsyncIterable<ListChainRevisionsResponse>
  /** The one page that the request asks for. */
  page(): Promise<ListChainRevisionsResponse>
}

type ListChainRevisions = Call<(typeof TrustStoreService)["method"]["listChainRevisions"], CallOptions>

/** A list over the RPC ListChainRevisions; each page is a call of its own, with its own deadline. */
export function revisionList(
  listChainRevisions: ListChainRevisions,
  request: RevisionListRequest,
  options?: CallOptions,
): RevisionList {
  const page = (pageToken?: string) =>
    listChainRevisions(pageToken === undefined ? request : { ...request, pageToken }, options)
  const pages = () => pagesOf(page)
  return {
    pages,
    page: () => page(),
    async *[Symbol.asyncIterator]() {
      for await (const { revisions } of pages()) yield* revisions
    },
  }
}
