import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  type AuthorityService,
  type Call,
  type ListAuthoritiesRequestSchema,
  type ListAuthoritiesResponse,
  type ListedAuthority,
  ListedAuthoritySchema,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { pagesOf } from "./pages.js"

/** Which authorities, and from which page on. */
export type AuthorityListRequest = MessageInitShape<typeof ListAuthoritiesRequestSchema>

/**
 * The authorities of a list: iterate it for all of them, page after page. Nothing is asked for before that.
 *
 * A stored row that does not parse comes too, after the others of its page, with its `record` and without an `authority`.
 */
export interface AuthorityList extends AsyncIterable<ListedAuthority> {
  /** Page after page, from the request's page_token on. */
  pages(): AsyncIterable<ListAuthoritiesResponse>
  /** The one page that the request asks for. */
  page(): Promise<ListAuthoritiesResponse>
}

type ListAuthorities = Call<(typeof AuthorityService)["method"]["listAuthorities"], CallOptions>

/** A list over the RPC ListAuthorities; each page is a call of its own, with its own deadline. */
export function authorityList(
  listAuthorities: ListAuthorities,
  request: AuthorityListRequest,
  options?: CallOptions,
): AuthorityList {
  const page = (pageToken?: string) =>
    listAuthorities(pageToken === undefined ? request : { ...request, pageToken }, options)
  const pages = () => pagesOf(page)
  return {
    pages,
    page: () => page(),
    async *[Symbol.asyncIterator]() {
      for await (const { authorities, unreadable } of pages()) {
        yield* authorities
        for (const record of unreadable) yield create(ListedAuthoritySchema, { record })
      }
    },
  }
}
