import type { MessageInitShape } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import { type AuthorityService, ErrorReason, type StoredAuthoritySchema } from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { type AuthorityRow, authorityOf, authorityRecordOf } from "../../store/rows/authorityRows.js"
import { assureAuthorityId } from "../request/fields.js"
import { type PageBounds, paged } from "../request/paged.js"
import { authorityNotFound } from "./authorityErrors.js"

/** The handlers of GetAuthority and ListAuthorities. */
export function createAuthorityReads(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Pick<Handlers<typeof AuthorityService, RpcContext>, "getAuthority" | "listAuthorities"> {
  return {
    getAuthority: async ({ authorityId }) => {
      assureAuthorityId(authorityId, limits)
      const row = await authorities.read(authorityId)
      if (!row) throw authorityNotFound(authorityId)
      return { stored: { authority: authorityOf(row), record: authorityRecordOf(row) } }
    },

    listAuthorities: async (request, context) => {
      const { atRevision } = request
      if (atRevision < 0n) throw invalidRequest("at_revision", `is ${atRevision}; at least 0 is allowed`)
      const activeOnly = !request.includeInactive
      const list = {
        asked: Buffer.from(
          `authorities, ${activeOnly ? "active" : "all"}${atRevision === 0n ? "" : ` at ${atRevision}`}`,
        ),
        read: (bounds: PageBounds) => authorities.list({ ...bounds, activeOnly, atRevision }),
        keyOf: (row: AuthorityRow) => row.authority_id,
      }
      const { rows, nextPageToken } = await paged(request, list, context)
      return { authorities: rows.map(listed), nextPageToken }
    },
  }
}

/** A row of a list. One corrupt document must not fail the whole list. */
function listed(row: AuthorityRow): MessageInitShape<typeof StoredAuthoritySchema> {
  const record = authorityRecordOf(row)
  try {
    return { record, authority: authorityOf(row) }
  } catch (error) {
    if (!(error instanceof RegistryError && error.reason === ErrorReason.AUTHORITY_CORRUPT)) throw error
    return { record, unreadable: true }
  }
}
