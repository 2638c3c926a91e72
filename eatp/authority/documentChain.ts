import type { Authority, AuthorityDocument, StoredAuthority } from "@trust-registry/proto"
import { verifyText } from "../signing/ed25519.js"
import { quoted } from "../text/visible.js"
import { microsOfMoment } from "../time/moment.js"
import { isTrusted, type TrustAuthority, trustKeyOf } from "../verify/authorityKeys.js"
import { type Document, documentHash, documentText, withMarksOf } from "./authorityDocument.js"
import { proofViolations } from "./documentProof.js"

/**
 * What a caller knows of an authority without the registry: public keys of it (base64), or the hash of one of its documents. A hash
 * is the better pin the newer its document is: nobody can bring another past before it.
 */
export type AuthorityAnchor = { authorityId: string; publicKeys?: readonly string[]; documentHash?: string }

/** What {@link verifyDocuments} finds. */
export type VerifiedAuthority =
  | { authority: Authority; problem?: undefined }
  | { authority?: undefined; problem: string }

/**
 * Verifies that an authority is its own word, from an anchor to the newest document: what the caller pinned, then document by
 * document what keys in force signed. Marks of keys are taken from the registry, since they only deny. Gives the newest document's
 * authority with the marks, or why it is not to be believed. Never throws.
 */
export function verifyDocuments(evidence: StoredAuthority, anchor: AuthorityAnchor): VerifiedAuthority {
  try {
    return verified(evidence, anchor)
  } catch (error) {
    return { problem: `its documents cannot be read: ${error instanceof Error ? error.message : error}` }
  }
}

function verified({ authority, documents }: StoredAuthority, anchor: AuthorityAnchor): VerifiedAuthority {
  if (authority === undefined || documents.length === 0) return { problem: "there are no documents of it" }
  const marked = documents.map((document) => marksOn(document, authority))
  if (
    marked.some(({ authority: { id } }) => id !== anchor.authorityId) ||
    authority.id !== anchor.authorityId
  )
    return { problem: `its documents are not all those of ${quoted(anchor.authorityId)}` }
  const first = startOf(marked, anchor)
  if (typeof first === "string") return { problem: first }
  for (let place = first + 1; place < marked.length; place++) {
    const problem = problemAt(marked, place)
    if (problem !== undefined) return { problem }
  }
  const newest = marked.at(-1) ?? marked[0]
  if (newest === undefined || documentHash({ ...newest, authority }) !== documentHash(newest))
    return { problem: "it is not what its newest document says" }
  return { authority: newest.authority }
}

type Marked = Document & { storedMicros: bigint | undefined; revision: bigint }

function marksOn({ authority, proof, storedAt, revision }: AuthorityDocument, current: Authority): Marked {
  if (authority === undefined) throw new TypeError("a document is missing")
  return {
    authority: withMarksOf(current, authority),
    proof,
    storedMicros: storedAt && microsOfMoment(storedAt),
    revision,
  }
}

/** The place of the document that the anchor vouches for, or why there is none. */
function startOf(
  documents: readonly Marked[],
  { publicKeys = [], documentHash: hash }: AuthorityAnchor,
): number | string {
  if (hash !== undefined) {
    const place = documents.findIndex((document) => documentHash(document) === hash)
    return place < 0 ? "none of its documents has the pinned hash" : place
  }
  const place = documents.findIndex((document) => publicKeys.some((key) => isSignedBy(document, key)))
  if (place < 0) return "none of its documents is signed by a pinned key that is not revoked"
  // The first one has to be the word of all its keys.
  const problem = place === 0 ? problemAt(documents, 0) : undefined
  return problem ?? place
}

function isSignedBy(document: Marked, publicKey: string): boolean {
  const { authority, proof, storedMicros } = document
  const key = authority.keys.find((key) => key.publicKey === publicKey)
  const found = proof?.signatures.find((signature) => signature.publicKey === publicKey)
  if (key === undefined || found === undefined || proof?.signedAt === undefined) return false
  const time = { atMicros: microsOfMoment(proof.signedAt), firstStoredMicros: storedMicros }
  return isTrusted(trustKeyOf(key), time) && verifyText(documentText(document), found.signature, publicKey)
}

function problemAt(documents: readonly Marked[], place: number): string | undefined {
  const document = documents[place]
  if (document === undefined) return "a document is missing"
  const [found] = proofViolations(document, {
    before: documents[place - 1],
    storedMicros: document.storedMicros,
  })
  if (found === undefined) return undefined
  return `its document ${place + 1} (revision ${document.revision}): ${found.field} ${found.description}`
}

/**
 * Authorities for `verifyTrust` and `checkAuthority` as far as the caller's anchors vouch for them. One without an anchor, or whose
 * documents do not lead to its keys, has no keys and `unsigned` says why, so that nothing it signed counts.
 *
 * @param evidence authorities with all their documents
 */
export function pinnedAuthorities(
  evidence: Iterable<StoredAuthority>,
  anchors: Iterable<AuthorityAnchor>,
): Map<string, TrustAuthority> {
  const pins = new Map(Array.from(anchors, (anchor) => [anchor.authorityId, anchor]))
  return new Map(
    Array.from(evidence, (stored) => {
      const id = stored.authority?.id ?? stored.record?.authorityId ?? ""
      return [id, pinned(stored, id, pins.get(id))]
    }),
  )
}

function pinned(stored: StoredAuthority, id: string, anchor: AuthorityAnchor | undefined): TrustAuthority {
  if (anchor === undefined) return { id, keys: [], unsigned: "no key or hash of it is pinned" }
  const { authority, problem } = verifyDocuments(stored, anchor)
  const active = stored.record?.isActive !== false
  if (authority === undefined) return { id, keys: [], active, unsigned: problem }
  return { id, keys: authority.keys.map(trustKeyOf), active }
}
