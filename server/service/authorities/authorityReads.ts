import type { MessageInitShape } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import { type AuthorityService, ErrorReason, type StoredAuthoritySchema } from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import {
  type AuthorityRow,
  authorityDocumentOf,
  authorityOf,
  authorityRecordOf,
} from "../../store/rows/authorityRows.js"
import { assureAuthorityId } from "../request/fields.js"
import { type PageBounds, paged } from "../request/paged.js"
import { authorityNotFound } from "./authorityErrors.js"

/** The handlers of GetAuthority, ListAuthorities and ListAuthorityDocuments. */
export function createAuthorityReads(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Pick<
  Handlers<typeof AuthorityService, RpcContext>,
  "getAuthority" | "listAuthorities" | "listAuthorityDocuments"
> {
  return {
    getAuthority: async ({ authorityId }) => {
      assureAuthorityId(authorityId, limits)
      const row = await authorities.read(authorityId)
      if (!row) throw authorityNotFound(authorityId)
      return { stored: { authority: authorityOf(row), record: authorityRecordOf(row) } }
    },

    listAuthorities: async (request, context) => {
      const { atRevision } = request
      assurePast(atRevision)
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

    listAuthorityDocuments: async (request, context) => {
      const { authorityId, atRevision } = request
      assureAuthorityId(authorityId, limits)
      assurePast(atRevision)
      const { rows, nextPageToken } = await paged(
        request,
        {
          asked: Buffer.from(`documents at ${atRevision} of ${authorityId}`),
          read: ({ after, ...bounds }) =>
            authorities.documents({ ...bounds, authorityId, atRevision, after: BigInt(after || 0) }),
          keyOf: (row: AuthorityRow) => row.revision,
        },
        context,
      )
      if (rows.length === 0 && request.pageToken === "") throw authorityNotFound(authorityId)
      return { documents: rows.map(authorityDocumentOf), nextPageToken }
    },
  }
}

function assurePast(atRevision: bigint): void {
  if (atRevision < 0n) throw invalidRequest("at_revision", `is ${atRevision}; at least 0 is allowed`)
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
