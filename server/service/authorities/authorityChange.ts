import { type Authority, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { type AuthorityRow, authorityJson, authorityOf } from "../../store/rows/authorityRows.js"
import { requestIdReused } from "../request/requestId.js"
import { acceptedRow, authorityNotFound, revisionConflict } from "./authorityErrors.js"

/** How often a change is made again because others changed the authority meanwhile. */
const MAX_JUDGEMENTS = 5

/**
 * Reads an authority, has it changed, and writes it if it is still what was read; if not, all is judged again. A change that
 * was made before under the request id is not made twice: its row of then is given.
 *
 * @param next the authority as it shall be; throws AUTHORITY_INVALID where it may not
 */
export async function changeAuthority(
  authorities: AuthorityStore,
  request: Omit<AuthorityWrite, "operation" | "json">,
  next: (current: Authority) => Authority,
): Promise<AuthorityRow> {
  const { authorityId, expectedRevision } = request
  for (let judgement = 1; judgement <= MAX_JUDGEMENTS; judgement++) {
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
        field: "parent_authority_id",
      })
  }
  throw new RegistryError(ErrorReason.OVERLOADED, "others keep changing the authority", { authorityId })
}
