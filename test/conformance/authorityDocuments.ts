import { create, fromJsonString } from "@bufbuild/protobuf"
import {
  type AuthorityAnchor,
  documentHash,
  documentText,
  type JsonObject,
  verifyDocuments,
  verifyText,
} from "@trust-registry/eatp"
import { type AuthorityDocument, AuthorityDocumentSchema, StoredAuthoritySchema } from "@trust-registry/proto"
import { type Checker, judge, nameOf, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/** authority_documents.json: the bytes of authorities' documents, their hashes and signatures, and chains of them. */
export const authorityDocuments: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries())
    yield judge(nameOf(vector, index), () => checkDocument(vector))
  for (const [index, vector] of objectsAt(file, "chain_cases").entries())
    yield judge(nameOf(vector, index), () => checkChain(vector))
}

function checkDocument(vector: JsonObject): void {
  const { authority, proof, hash } = documentOf(textAt(vector, "document_json"))
  if (!authority) throw new Error("The document has no authority")
  const canonical = documentText({ authority, proof })
  same("canonical", canonical, textAt(vector, "canonical"))
  same("canonical_sha256", documentHash({ authority, proof }), textAt(vector, "canonical_sha256"))
  same("hash", hash, textAt(vector, "canonical_sha256"))
  for (const { publicKey, signature } of proof?.signatures ?? [])
    same(`signature by ${publicKey}`, verifyText(canonical, signature, publicKey), true)
}

function checkChain(vector: JsonObject): void {
  const texts = vector.get("documents_json") as string[]
  const documents = texts.map(documentOf)
  const authority = documents.at(-1)?.authority
  const hash = optionalTextAt(vector, "document_hash")
  const anchor: AuthorityAnchor = {
    authorityId: textAt(vector, "authority_id"),
    publicKeys: vector.get("public_keys") as string[],
    ...(hash === undefined ? {} : { documentHash: hash }),
  }
  const evidence = create(StoredAuthoritySchema, { documents, ...(authority && { authority }) })
  same("vouches", verifyDocuments(evidence, anchor).problem === undefined, vector.get("vouches"))
}

function documentOf(text: string): AuthorityDocument {
  return fromJsonString(AuthorityDocumentSchema, text)
}
