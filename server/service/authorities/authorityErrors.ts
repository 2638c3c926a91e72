import { ErrorReason } from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { AuthorityOutcome, AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityRow } from "../../store/rows/authorityRows.js"
import { answerTo } from "../request/answers.js"
import { sentenceOf } from "../request/fields.js"
import { requestIdReused } from "../request/requestId.js"

/** The parent that a write names, and the field of the request that names it. */
export interface NamedParent {
  id: string
  field: string
}

/** The row that a write produced. Throws the contract's error for a refused write. */
export function acceptedRow(
  write: AuthorityWrite,
  { outcome, row }: AuthorityOutcome,
  parent: NamedParent,
): AuthorityRow {
  return answerTo(ANSWERS, outcome)(write, row, parent)
}

type Answer = (write: AuthorityWrite, row: AuthorityRow | undefined, parent: NamedParent) => AuthorityRow

/** The answer to each outcome. An outcome without one does not compile. */
const ANSWERS: Record<AuthorityOutcome["outcome"], Answer> = {
  registered: accepted,
  updated: accepted,
  deactivated: accepted,
  replayed: accepted,
  unchanged: accepted,
  not_found: ({ authorityId }) => {
    throw authorityNotFound(authorityId)
  },
  parent_not_found: (_, __, { id, field }) => {
    throw authorityNotFound(id, [{ field, description: "is not registered" }])
  },
  parent_not_permitted: (_, __, { id, field }) => {
    const description = "is inactive, or lacks CREATE_SUBORDINATE_AUTHORITIES"
    throw new RegistryError(
      ErrorReason.AUTHORITY_NOT_PERMITTED,
      `authority ${JSON.stringify(id)} may not be named as parent: it ${description}`,
      { authorityId: id, violations: [{ field, description }] },
    )
  },
  parent_cycle: ({ authorityId }, _, { field }) => {
    throw invalidAuthority([{ field, description: "is below the authority" }], authorityId)
  },
  reused: (write) => {
    throw requestIdReused(write)
  },
  exists: (write, row) => {
    throw exists(write, row)
  },
  conflict: (write, row) => {
    throw revisionConflict(write, row)
  },
}

function accepted({ operation, authorityId }: AuthorityWrite, row: AuthorityRow | undefined): AuthorityRow {
  if (!row) throw new Error(`${operation} of ${JSON.stringify(authorityId)} was accepted but returned no row`)
  return row
}

/** The error for an id under which no authority is registered. */
export function authorityNotFound(authorityId: string, violations: FieldViolation[] = []): RegistryError {
  return new RegistryError(
    ErrorReason.AUTHORITY_NOT_FOUND,
    `authority not found: ${JSON.stringify(authorityId)}`,
    { authorityId, violations },
  )
}

/** The error for an authority that breaks a rule. */
export function invalidAuthority(violations: FieldViolation[], authorityId: string): RegistryError {
  return new RegistryError(
    ErrorReason.AUTHORITY_INVALID,
    `the authority is refused: ${sentenceOf(violations)}`,
    { violations, ...(authorityId === "" ? {} : { authorityId }) },
  )
}

/** The error for an authority that is not at the revision the caller expected. */
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

/** The error for a signed change that follows another document than the current one: a replay, a fork, or somebody was faster. */
export function otherDocument(row: AuthorityRow, given: string, current: string): RegistryError {
  const description = `is ${JSON.stringify(given)}; the current document has ${current}`
  return new RegistryError(
    ErrorReason.REVISION_CONFLICT,
    `authority ${JSON.stringify(row.authority_id)}: proof.previous_hash ${description}`,
    {
      authorityId: row.authority_id,
      violations: [{ field: "proof.previous_hash", description }],
      metadata: { revision: String(row.revision), document_hash: current },
    },
  )
}

function exists({ authorityId }: AuthorityWrite, row: AuthorityRow | undefined): RegistryError {
  const state = row?.is_active === false ? "registered, but inactive" : "already registered"
  return new RegistryError(
    ErrorReason.AUTHORITY_EXISTS,
    `authority ${JSON.stringify(authorityId)} is ${state}`,
    { authorityId, metadata: { revision: String(row?.revision ?? 0n) } },
  )
}
