import {
  type AuthorityRecord,
  type AuthorityService,
  ErrorReason,
  type ListedAuthority,
} from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handler } from "../../rpc/handlers.js"
import { type AuthorityRow, authorityOf, authorityRecordOf } from "../../store/authorities/authorityRows.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { DEFAULT_PAGE_SIZE, MAX_PAGE_BYTES, MAX_PAGE_SIZE } from "../chains/lists.js"
import { assureWithin } from "../request/fields.js"
import { pageTokenOf, readPageToken } from "../request/pageToken.js"

/** The handler of ListAuthorities. */
export function createAuthorityList(
  authorities: AuthorityStore,
): Handler<(typeof AuthorityService)["method"]["listAuthorities"], RpcContext> {
  return async ({ pageSize, pageToken, activeOnly = true }) => {
    assureWithin("page_size", pageSize, 0, MAX_PAGE_SIZE)
    const asked = Buffer.from(`authorities, ${activeOnly ? "active" : "all"}`)
    const { rows, more } = await authorities.list({
      activeOnly,
      after: readPageToken(asked, pageToken),
      limit: pageSize || DEFAULT_PAGE_SIZE,
      maxBytes: MAX_PAGE_BYTES,
    })
    const last = rows.at(-1)?.authority_id
    return { ...sorted(rows), nextPageToken: more && last !== undefined ? pageTokenOf(asked, last) : "" }
  }
}

/** Rows that parse, and the records of those that do not. */
function sorted(rows: AuthorityRow[]) {
  const authorities: Pick<ListedAuthority, "authority" | "record">[] = []
  const unreadable: AuthorityRecord[] = []
  for (const row of rows) {
    const record = authorityRecordOf(row)
    try {
      authorities.push({ authority: authorityOf(row), record })
    } catch (error) {
      if (!(error instanceof RegistryError && error.reason === ErrorReason.AUTHORITY_CORRUPT)) throw error
      unreadable.push(record)
    }
  }
  return { authorities, unreadable }
}
