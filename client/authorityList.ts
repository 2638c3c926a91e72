import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  type AuthorityService,
  type ListAuthoritiesRequestSchema,
  type ListAuthoritiesResponse,
  type ListedAuthority,
  ListedAuthoritySchema,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { type Paged, paged } from "./pages.js"
import type { Call } from "./rpc/calls.js"

/** Which authorities, and from which page on. */
export type AuthorityListRequest = MessageInitShape<typeof ListAuthoritiesRequestSchema>

/**
 * The authorities of a list. A stored row that does not parse comes too, after the others of its page, with its `record` and
 * without an `authority`.
 */
export type AuthorityList = Paged<ListAuthoritiesResponse, ListedAuthority>

type ListAuthorities = Call<(typeof AuthorityService)["method"]["listAuthorities"], CallOptions>

/** A list over the RPC ListAuthorities. */
export function authorityList(
  listAuthorities: ListAuthorities,
  request: AuthorityListRequest,
  options?: CallOptions,
): AuthorityList {
  return paged(
    (pageToken) => listAuthorities(pageToken === undefined ? request : { ...request, pageToken }, options),
    ({ authorities, unreadable }) => [
      ...authorities,
      ...unreadable.map((record) => create(ListedAuthoritySchema, { record })),
    ],
  )
}
