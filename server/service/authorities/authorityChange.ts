import { type Authority, type DocumentProof, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { type AuthorityRow, authorityOf } from "../../store/rows/authorityRows.js"
import { requestIdReused } from "../request/requestId.js"
import { acceptedRow, authorityNotFound, revisionConflict } from "./authorityErrors.js"
import { nextDocument } from "./authorityWord.js"

/** How many times a change is attempted when other requests change the authority concurrently. */
const MAX_ATTEMPTS = 5

/**
 * Reads an authority, changes it, and writes it back unless it was changed in between; in that case retries. A change already
 * made under the same request id is not repeated: its row is returned.
 *
 * @param proof of the document after the change; undefined: nobody signed it
 * @param next returns the changed authority; throws AUTHORITY_INVALID if the change is not allowed
 * @param fieldOf the request's own name of a field of the authority, given the current one
 */
export async function changeAuthority(
  authorities: AuthorityStore,
  request: Omit<AuthorityWrite, "operation" | "document">,
  proof: DocumentProof | undefined,
  next: (current: Authority) => Authority,
  fieldOf: (field: string, current: Authority) => string = (field) => field,
): Promise<AuthorityRow> {
  const { authorityId, expectedRevision } = request
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { row, done } = await authorities.readBefore(authorityId, request.requestId)
    if (done) {
      if (done.requestHash !== request.requestHash) throw requestIdReused(request)
      return done.row
    }
    if (!row) throw authorityNotFound(authorityId)
    if (expectedRevision !== undefined && expectedRevision !== row.revision)
      throw revisionConflict(request, row)
    const current = authorityOf(row)
    const authority = next(current)
    const document = nextDocument(row, authority, proof, authorities.now(), (field) =>
      fieldOf(field, current),
    )
    const write: AuthorityWrite = {
      ...request,
      operation: "update",
      expectedRevision: row.revision,
      document,
    }
    const outcome = await authorities.write(write)
    if (outcome.outcome !== "conflict" || expectedRevision !== undefined)
      return acceptedRow(write, outcome, {
        id: authority.parentAuthorityId ?? "",
        field: "authority.parent_authority_id",
      })
  }
  throw new RegistryError(ErrorReason.OVERLOADED, "other requests keep changing the authority", {
    authorityId,
  })
}
