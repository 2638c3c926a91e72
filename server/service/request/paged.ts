import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import { pageTokenOf, readPageToken } from "./pageToken.js"

/** The page size of a request that sets none. */
const DEFAULT_PAGE_SIZE = 100
/** The cap on page sizes. */
const MAX_PAGE_SIZE = 1_000
/** Bounds the documents of a page; with a thousand records it stays below the 4 MiB that gRPC clients accept. */
export const MAX_PAGE_BYTES = 3 * 1024 * 1024

/** What a page holds while it is read: the rows, and what they are encoded to. */
const PAGE_WORK_BYTES = 2 * MAX_PAGE_BYTES

/** The fields that every list request has. */
export interface PagedRequest {
  pageSize: number
  pageToken: string
}

/** The page to read. */
export interface PageBounds {
  /** The key of the last item of the previous page; empty for the first page. */
  after: string
  /** Most items. */
  limit: number
  /** The page ends before the item that would exceed this size, but holds at least one. */
  maxBytes: number
}

/** How to read a list. */
export interface PagedList<Found extends { rows: unknown[]; more: boolean }> {
  /** Identifies the query: a token is valid only for the query that returned it. */
  asked: Uint8Array
  /** Most items of a page; 1,000 by default. */
  maxSize?: number
  read(page: PageBounds): Promise<Found>
  /** The key that the next page starts after. */
  keyOf(row: Found["rows"][number]): string | bigint
}

/**
 * Reads a page and makes the token of the next one, empty on the last page. Throws INVALID_REQUEST for a negative page size or a
 * token of another list.
 */
export async function paged<Found extends { rows: unknown[]; more: boolean }>(
  { pageSize, pageToken }: PagedRequest,
  { asked, maxSize = MAX_PAGE_SIZE, read, keyOf }: PagedList<Found>,
  context: RpcContext,
): Promise<Found & { nextPageToken: string }> {
  if (pageSize < 0) throw invalidRequest("page_size", `is ${pageSize}; at least 0 is allowed`)
  const after = readPageToken(asked, pageToken)
  const limit = Math.min(pageSize || DEFAULT_PAGE_SIZE, maxSize)
  await context.hold(PAGE_WORK_BYTES)
  const found = await read({ after, limit, maxBytes: MAX_PAGE_BYTES })
  const last = found.rows.at(-1)
  const nextPageToken = found.more && last !== undefined ? pageTokenOf(asked, String(keyOf(last))) : ""
  return { ...found, nextPageToken }
}
