import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  ChainRevision,
  ListChainRevisionsRequestSchema,
  ListChainRevisionsResponse,
  TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { type Paged, paged } from "./pages.js"
import type { Call } from "./rpc/calls.js"

/** Whose changes, and from which page on. */
export type RevisionListRequest = MessageInitShape<typeof ListChainRevisionsRequestSchema>

/** The changes of an agent's chain, newest first. */
export type RevisionList = Paged<ListChainRevisionsResponse, ChainRevision>

type ListChainRevisions = Call<(typeof TrustStoreService)["method"]["listChainRevisions"], CallOptions>

/** A list over the RPC ListChainRevisions. */
export function revisionList(
  listChainRevisions: ListChainRevisions,
  request: RevisionListRequest,
  options?: CallOptions,
): RevisionList {
  return paged(
    (pageToken) => listChainRevisions(pageToken === undefined ? request : { ...request, pageToken }, options),
    ({ revisions }) => revisions,
  )
}
