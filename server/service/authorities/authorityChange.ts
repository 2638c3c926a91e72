import { type Authority, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import { type AuthorityRow, authorityJson, authorityOf } from "../../store/authorities/authorityRows.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { acceptedRow, authorityNotFound, requestIdReused, revisionConflict } from "./authorityErrors.js"

/** How often a change is tried again because others changed the authority meanwhile. */
const MAX_ATTEMPTS = 5

/**
 * Reads an authority, changes it, and writes it if nobody changed it in between; otherwise tries again. A change that was made
 * before under the same request id is not made twice: its row is returned.
 *
 * @param next gives the changed authority; throws AUTHORITY_INVALID where the change is not allowed
 */
export async function changeAuthority(
  authorities: AuthorityStore,
  request: Omit<AuthorityWrite, "operation" | "json">,
  next: (current: Authority) => Authority,
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
    const authority = next(authorityOf(row))
    const write: AuthorityWrite = {
      ...request,
      operation: "update",
      expectedRevision: row.revision,
      json: authorityJson(authority),
    }
    const outcome = await authorities.write(write)
    if (outcome.outcome !== "conflict" || expectedRevision !== undefined)
      return acceptedRow(write, outcome, {
        id: authority.parentAuthorityId ?? "",
        field: "authority.parent_authority_id",
      })
  }
  throw new RegistryError(ErrorReason.OVERLOADED, "others keep changing the authority", { authorityId })
}
