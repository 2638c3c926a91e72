import {
  checkAuthorityShape,
  documentHash,
  proofViolations,
  type ShapeLimits,
  takeTurn,
  withMarksOf,
  withoutMarks,
} from "@trust-registry/eatp"
import type { Authority, AuthorityDocument } from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import type { DocumentWrite } from "../../store/authorities/authorities.js"
import { authorityJson, proofJson } from "../../store/rows/authorityRows.js"
import { invalidAuthority } from "./authorityErrors.js"
import { assureValid, unknownFields } from "./authorityRequest.js"
import { unknownInProof } from "./authorityWord.js"

/** Most documents of an authority that is copied from another registry. */
const MAX_DOCUMENTS = 1_000

/**
 * The documents of an authority that is copied from another registry, the last of which is `authority`. Others have turns between
 * them.
 *
 * @throws AUTHORITY_INVALID for one that is no document, or whose signatures do not hold
 */
export async function copiedDocuments(
  authority: Authority,
  documents: readonly AuthorityDocument[],
  limits: ShapeLimits,
): Promise<{ earlier: DocumentWrite[]; document: DocumentWrite }> {
  const { id } = authority
  if (documents.length > MAX_DOCUMENTS)
    assureValid([{ field: "documents", description: `has more than ${MAX_DOCUMENTS} documents` }], id)
  let before: Copied | undefined
  const writes: DocumentWrite[] = []
  for (const [place, document] of documents.entries()) {
    const path = `documents[${place}]`
    const copied = sound(document, id, path, limits)
    assureValid(chainViolations(copied, before, path), id)
    const selfSigned = (writes.at(-1)?.selfSigned ?? true) && isSelfSigned(copied, before, authority)
    const { proof } = copied
    writes.push({ json: authorityJson(copied.authority), proof: proof ? proofJson(proof) : null, selfSigned })
    before = copied
    await takeTurn()
  }
  const newest = writes.pop()
  if (before === undefined || newest === undefined) throw new Error("there are no documents to copy")
  if (documentHash({ ...before, authority }) !== documentHash(before))
    assureValid([{ field: "documents", description: "ends with another document than authority" }], id)
  return { earlier: writes, document: { ...newest, json: authorityJson(authority) } }
}

/** Whether it is signed, also with what is known of keys by now. */
function isSelfSigned(document: Copied, before: Copied | undefined, current: Authority): boolean {
  const marked = before && { ...before, authority: withMarksOf(current, before.authority) }
  return proofViolations(document, { before: marked, storedMicros: undefined }).length === 0
}

type Copied = AuthorityDocument & { authority: Authority }

function sound(document: AuthorityDocument, id: string, path: string, limits: ShapeLimits): Copied {
  const { authority, proof } = document
  if (authority === undefined)
    throw invalidAuthority([{ field: `${path}.authority`, description: "is missing" }], id)
  const violations: FieldViolation[] = [
    ...unknownFields(document, path),
    ...(proof ? unknownInProof(proof, `${path}.proof`) : []),
    ...checkAuthorityShape(authority, limits, `${path}.authority`),
  ]
  if (authority.id !== id)
    violations.push({ field: `${path}.authority.id`, description: "is another authority's" })
  assureValid(violations, id)
  return { ...document, authority: withoutMarks(authority) }
}

/** Whether the signatures hold as they did when they were made: what was revoked later is no matter. */
function chainViolations(document: Copied, before: Copied | undefined, path: string): FieldViolation[] {
  const { hash, proof } = document
  const found = documentHash(document)
  if (hash !== "" && hash !== found)
    return [{ field: `${path}.hash`, description: `is ${hash}; its bytes have ${found}` }]
  if (proof === undefined || proof.signatures.length === 0) return []
  return proofViolations(document, { before, storedMicros: undefined }).map(({ field, description }) => ({
    field: `${path}.${field}`,
    description,
  }))
}
