import { create } from "@bufbuild/protobuf"
import type { Timestamp } from "@bufbuild/protobuf/wkt"
import {
  type Authority,
  type DocumentProof,
  DocumentProofSchema,
  DocumentSignatureSchema,
} from "@trust-registry/proto"
import { type Signer, signText } from "../signing/ed25519.js"
import { type Document, documentHash, documentText } from "./authorityDocument.js"

/** A signer that says which key it signs with: a key in memory, or a service that holds one. */
export type KeySigner = Signer & {
  /** The Ed25519 public key, base64 of 32 bytes. */
  readonly publicKey: string
}

/**
 * Signs a document of an authority: the first one with each of its keys; a later one with a key of the document before that is in
 * force, and with each key that is new. Gives the proof to send with it.
 *
 * @param before the document before; undefined for the first
 * @param signedAt now, by the clock of the signer
 */
export async function signDocument(
  authority: Authority,
  before: Document | undefined,
  signedAt: Pick<Timestamp, "seconds" | "nanos">,
  signers: readonly KeySigner[],
): Promise<DocumentProof> {
  const previousHash = before === undefined ? "" : documentHash(before)
  const proof = create(DocumentProofSchema, { previousHash, signedAt })
  const text = documentText({ authority, proof })
  for (const signer of signers) {
    const { publicKey } = signer
    proof.signatures.push(
      create(DocumentSignatureSchema, { publicKey, signature: await signText(signer, text) }),
    )
  }
  return proof
}
