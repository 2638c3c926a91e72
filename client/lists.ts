import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  AuthorityDocument,
  AuthorityService,
  ChainRevision,
  ListAuthoritiesRequestSchema,
  ListAuthoritiesResponse,
  ListAuthorityDocumentsRequestSchema,
  ListAuthorityDocumentsResponse,
  ListChainRevisionsRequestSchema,
  ListChainRevisionsResponse,
  ListChainsRequestSchema,
  ListChainsResponse,
  ListRevokedRecordsRequestSchema,
  ListRevokedRecordsResponse,
  RevocationService,
  RevokedRecord,
  StoredAuthority,
  StoredChain,
  TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { type Paged, paged } from "./pages.js"
import type { Calls } from "./rpc/calls.js"

/** Which chains to list, and from which page on. */
export type ChainListRequest = MessageInitShape<typeof ListChainsRequestSchema>

/** Whose changes to list, and from which page on. */
export type RevisionListRequest = MessageInitShape<typeof ListChainRevisionsRequestSchema>

/** Which authorities to list, and from which page on. */
export type AuthorityListRequest = MessageInitShape<typeof ListAuthoritiesRequestSchema>

/** Whose documents to list, and from which page on. */
export type AuthorityDocumentListRequest = MessageInitShape<typeof ListAuthorityDocumentsRequestSchema>

/** Which revoked records to list, and from which page on. */
export type RevokedRecordListRequest = MessageInitShape<typeof ListRevokedRecordsRequestSchema>

/** The lists of a registry. A stored row that does not parse is an item too, with `unreadable` and its record. */
export interface RegistryLists {
  /** Lists chains by agent_id (in the order of their UTF-8 bytes). */
  listChains(request?: ChainListRequest, options?: CallOptions): Paged<ListChainsResponse, StoredChain>
  /** Lists the changes of an agent's chain, newest first. */
  listChainRevisions(
    request: RevisionListRequest,
    options?: CallOptions,
  ): Paged<ListChainRevisionsResponse, ChainRevision>
  /** Lists authorities by id (in the order of their UTF-8 bytes). */
  listAuthorities(
    request?: AuthorityListRequest,
    options?: CallOptions,
  ): Paged<ListAuthoritiesResponse, StoredAuthority>
  /** Lists the documents of an authority, the oldest first. */
  listAuthorityDocuments(
    request: AuthorityDocumentListRequest,
    options?: CallOptions,
  ): Paged<ListAuthorityDocumentsResponse, AuthorityDocument>
  /** Lists what was revoked, record by record, the last made first; a lift moves no record. */
  listRevokedRecords(
    request?: RevokedRecordListRequest,
    options?: CallOptions,
  ): Paged<ListRevokedRecordsResponse, RevokedRecord>
}

type ListCalls = Pick<Calls<typeof TrustStoreService, CallOptions>, "listChains" | "listChainRevisions"> &
  Pick<Calls<typeof AuthorityService, CallOptions>, "listAuthorities" | "listAuthorityDocuments"> &
  Pick<Calls<typeof RevocationService, CallOptions>, "listRevokedRecords">

/** Returns the lists, which call the RPCs for their pages. */
export function listsOver(calls: ListCalls): RegistryLists {
  return {
    listChains: (request = {}, options) =>
      paged(
        (page: ChainListRequest) => calls.listChains(page, options),
        request,
        ({ chains }) => chains,
        // The token says where the next page begins: an offset would skip chains again on every page.
        { offset: 0 },
      ),
    listChainRevisions: (request, options) =>
      paged(
        (page: RevisionListRequest) => calls.listChainRevisions(page, options),
        request,
        ({ revisions }) => revisions,
      ),
    listAuthorities: (request = {}, options) =>
      paged(
        (page: AuthorityListRequest) => calls.listAuthorities(page, options),
        request,
        ({ authorities }) => authorities,
      ),
    listAuthorityDocuments: (request, options) =>
      paged(
        (page: AuthorityDocumentListRequest) => calls.listAuthorityDocuments(page, options),
        request,
        ({ documents }) => documents,
      ),
    listRevokedRecords: (request = {}, options) =>
      paged(
        (page: RevokedRecordListRequest) => calls.listRevokedRecords(page, options),
        request,
        ({ records }) => records,
      ),
  }
}
