import { create } from "@bufbuild/protobuf"
import {
  type Document,
  documentHash,
  MAX_DOCUMENT_SIGNATURES,
  type ProofContext,
  proofViolations,
} from "@trust-registry/eatp"
import { type Authority, type DocumentProof, DocumentProofSchema } from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import type { DocumentWrite } from "../../store/authorities/authorities.js"
import { type AuthorityRow, authorityJson, documentOf, proofJson } from "../../store/rows/authorityRows.js"
import { otherDocument } from "./authorityErrors.js"
import { assureValid, unknownFields } from "./authorityRequest.js"

/** The first document of an authority. Throws AUTHORITY_INVALID for a proof that does not hold. */
export function firstDocument(
  authority: Authority,
  proof: DocumentProof | undefined,
  now: bigint,
): DocumentWrite {
  const json = authorityJson(authority)
  if (proof === undefined) return { json, proof: proofJson(create(DocumentProofSchema)), selfSigned: false }
  assureProof({ authority, proof }, { before: undefined, storedMicros: now, nowMicros: now })
  return { json, proof: proofJson(proof), selfSigned: true }
}

/**
 * The document after a change. One that nobody signed notes the document before, and if it changes nothing, it is the same document.
 *
 * @param now microseconds since 1970
 * @param fieldOf the request's own name of a field
 * @throws AUTHORITY_INVALID for a proof that does not hold; REVISION_CONFLICT for one that follows another document
 */
export function nextDocument(
  row: AuthorityRow,
  authority: Authority,
  proof: DocumentProof | undefined,
  now: bigint,
  fieldOf: (field: string) => string,
): DocumentWrite {
  const before = documentOf(row)
  const json = authorityJson(authority)
  const previousHash = documentHash(before)
  if (proof === undefined) {
    if (documentHash({ ...before, authority }) === previousHash)
      return { json, proof: before.proof ? proofJson(before.proof) : null, selfSigned: row.self_signed }
    const noted = create(DocumentProofSchema, { previousHash })
    return { json, proof: proofJson(noted), selfSigned: false }
  }
  if (proof.previousHash !== previousHash) throw otherDocument(row, proof.previousHash, previousHash)
  assureProof({ authority, proof }, { before, storedMicros: now, nowMicros: now }, fieldOf)
  return { json, proof: proofJson(proof), selfSigned: row.self_signed }
}

function assureProof(
  document: Document & { proof: DocumentProof },
  context: ProofContext,
  fieldOf = (field: string) => field,
): void {
  const { authority, proof } = document
  const violations = [...unknownInProof(proof, "proof"), ...proofViolations(document, context)]
  assureValid(
    violations.map(({ field, description }) => ({ field: fieldOf(field), description })),
    authority.id,
  )
}

/** The unknown fields of a proof and its signatures. */
export function unknownInProof(proof: DocumentProof, field: string): FieldViolation[] {
  return [
    ...unknownFields(proof, field),
    ...proof.signatures
      .slice(0, MAX_DOCUMENT_SIGNATURES)
      .flatMap((signature, index) => unknownFields(signature, `${field}.signatures[${index}]`)),
  ]
}
