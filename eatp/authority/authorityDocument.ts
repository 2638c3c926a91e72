import { create, toJson } from "@bufbuild/protobuf"
import {
  type Authority,
  AuthorityKeySchema,
  AuthoritySchema,
  type DocumentProof,
  DocumentProofSchema,
} from "@trust-registry/proto"
import { jcs } from "../canonical/jcs.js"
import { sha256Hex } from "../hash/sha256.js"
import { parseJson } from "../json/parseJson.js"

/** A document of an authority: what it was after a change, and what makes that its own word. */
export type Document = { authority: Authority; proof?: DocumentProof | undefined }

/** The value of `document` in canonical documents, so that none is ever taken for another thing that the same keys sign. */
export const DOCUMENT_TYPE = "trust-registry/authority/1"

/**
 * The canonical text of a document, whose UTF-8 bytes are signed and hashed: RFC 8785 JSON of the authority's ProtoJSON with proto
 * field names, without the marks of keys, with `document`, `previous_hash` and `signed_at`. What is unset or empty is left out, so
 * that a field of a later version changes no document without it. See docs/authority-documents.md.
 *
 * @throws CanonicalError for an authority that checkAuthorityShape refuses: a lone surrogate, too many items
 */
export function documentText({ authority, proof }: Document): string {
  const { previousHash = "", signedAt } = proof ?? {}
  const heading = create(DocumentProofSchema, { previousHash, ...(signedAt && { signedAt }) })
  return jcs(
    parseJson(
      JSON.stringify({
        ...protoJson(AuthoritySchema, withoutMarks(authority)),
        ...protoJson(DocumentProofSchema, heading),
        document: DOCUMENT_TYPE,
      }),
    ),
  )
}

/** The hash of a document, by which the next one names it: SHA-256 of its canonical text in UTF-8, 64 lowercase hexadecimal digits. */
export function documentHash(document: Document): string {
  return sha256Hex(documentText(document))
}

/** An authority without the marks of its keys, which are the registry's and not part of its document. */
export function withoutMarks(authority: Authority): Authority {
  const keys = authority.keys.map(({ keyId, publicKey, notBefore, notAfter }) =>
    create(AuthorityKeySchema, {
      keyId,
      publicKey,
      ...(notBefore && { notBefore }),
      ...(notAfter && { notAfter }),
    }),
  )
  return create(AuthoritySchema, { ...authority, keys })
}

/** An authority whose keys have the marks that the same keys have in another state of it. */
export function withMarksOf(current: Authority, authority: Authority): Authority {
  const marks = new Map(current.keys.map((key) => [key.publicKey, key]))
  const keys = authority.keys.map((key) => {
    const { revokedAt, compromisedAt } = marks.get(key.publicKey) ?? {}
    return create(AuthorityKeySchema, {
      ...key,
      ...(revokedAt && { revokedAt }),
      ...(compromisedAt && { compromisedAt }),
    })
  })
  return create(AuthoritySchema, { ...authority, keys })
}

function protoJson(...[schema, message]: Parameters<typeof toJson>): object {
  return Object(toJson(schema, message, { useProtoFieldName: true }))
}
