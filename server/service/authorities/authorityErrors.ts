import { ErrorReason } from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { AuthorityOutcome, AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityRow } from "../../store/rows/authorityRows.js"
import { sentenceOf } from "../request/fields.js"

/**
 * The row that a write led to. Throws what the contract says of a write that was refused.
 *
 * @param parent the parent that the write names, and the field of the request that does so
 */
export function acceptedRow(
  write: AuthorityWrite,
  { outcome, row }: AuthorityOutcome,
  parent: { id: string; field: string },
): AuthorityRow {
  switch (outcome) {
    case "parent_not_found":
      throw authorityNotFound(parent.id, [{ field: parent.field, description: "is not registered" }])
    case "parent_cycle":
      throw invalidAuthority(
        [{ field: parent.field, description: "is below the authority" }],
        write.authorityId,
      )
    case "reused":
      throw requestIdReused(write)
    case "exists":
      throw exists(write, row)
    case "conflict":
      throw revisionConflict(write, row)
  }
  if (!row) throw authorityNotFound(write.authorityId)
  return row
}

/** No authority of that id is registered. */
export function authorityNotFound(authorityId: string, violations: FieldViolation[] = []): RegistryError {
  return new RegistryError(
    ErrorReason.AUTHORITY_NOT_FOUND,
    `authority not found: ${JSON.stringify(authorityId)}`,
    { authorityId, violations },
  )
}

/** The authority breaks a rule. */
export function invalidAuthority(violations: FieldViolation[], authorityId: string): RegistryError {
  return new RegistryError(
    ErrorReason.AUTHORITY_INVALID,
    `the authority is refused: ${sentenceOf(violations)}`,
    { violations, ...(authorityId === "" ? {} : { authorityId }) },
  )
}

/** The authority is not at the revision that the caller expected. */
export function revisionConflict(
  { authorityId, expectedRevision }: Pick<AuthorityWrite, "authorityId" | "expectedRevision">,
  row: AuthorityRow | undefined,
): RegistryError {
  const revision = row?.revision ?? 0n
  return new RegistryError(
    ErrorReason.REVISION_CONFLICT,
    `authority ${JSON.stringify(authorityId)} was expected at revision ${expectedRevision}; it is at ${revision}`,
    { authorityId, metadata: { expected_revision: String(expectedRevision), revision: String(revision) } },
  )
}

/** The request id did something else before; whose change that was is told where it is known. */
export function requestIdReused({
  requestId,
  ...subject
}: {
  requestId: string
  agentId?: string
  authorityId?: string
}): RegistryError {
  const { agentId, authorityId } = subject
  const [kind, id] = authorityId === undefined ? ["agent", agentId] : ["authority", authorityId]
  const whose = id === undefined ? "" : ` of ${kind} ${JSON.stringify(id)}`
  return new RegistryError(
    ErrorReason.REQUEST_ID_REUSED,
    `request_id ${requestId} was used before for another change${whose}`,
    {
      ...(agentId === undefined ? {} : { agentId }),
      ...(authorityId === undefined ? {} : { authorityId }),
      violations: [{ field: "request_id", description: "was used before for another change" }],
    },
  )
}

function exists({ authorityId }: AuthorityWrite, row: AuthorityRow | undefined): RegistryError {
  const state = row?.is_active === false ? "registered, and inactive" : "registered already"
  return new RegistryError(
    ErrorReason.AUTHORITY_EXISTS,
    `authority ${JSON.stringify(authorityId)} is ${state}`,
    { authorityId, metadata: { revision: String(row?.revision ?? 0n) } },
  )
}
