import type { Authority, DocumentProof } from "@trust-registry/proto"
import type { Violation } from "../shape/shapeContext.js"
import { verifyText } from "../signing/ed25519.js"
import { isBefore, microsOfMoment, momentProblem } from "../time/moment.js"
import { keysFor, type SigningTime, trustKeyOf } from "../verify/authorityKeys.js"
import { type Document, documentHash, documentText } from "./authorityDocument.js"

/** How a proof is judged. */
export type ProofContext = {
  /** The document before, whose keys have the marks that are known; undefined: this is the first. */
  before: Document | undefined
  /** When the document was first stored, in microseconds since 1970 UTC: what a compromised key signed counts only from before. */
  storedMicros: bigint | undefined
  /** Also required: a key that is in force at this time, in microseconds since 1970 UTC. Unset: when it was signed is enough. */
  nowMicros?: bigint | undefined
}

/** How far the clock of a signer may be ahead, in microseconds: 5 minutes. */
export const MAX_SIGNER_LEAD_MICROS = 300_000_000n

/** Most signatures of a document: all keys of the one before and all that are new. */
export const MAX_DOCUMENT_SIGNATURES = 128

/**
 * What keeps a document from being its authority's own word; nothing if it is. Fields are paths from a request that has `authority`
 * and `proof`. The rules: it names the document before by its hash and is dated later; every signature verifies; one is by a key
 * of the document before that was in force; and every key that is new signed.
 */
export function proofViolations(document: Document, context: ProofContext): Violation[] {
  const { proof } = document
  if (proof === undefined || proof.signatures.length === 0)
    return [{ field: "proof.signatures", description: "are missing: nobody signed it" }]
  const formal = [...headingViolations(proof, context), ...signerViolations(document, proof, context)]
  if (formal.length > 0) return formal
  const text = documentText(document)
  // One is enough: to verify takes time, and whoever forges one may forge a hundred.
  const forged = proof.signatures.findIndex(
    ({ publicKey, signature }) => !verifyText(text, signature, publicKey),
  )
  if (forged >= 0)
    return [
      {
        field: `proof.signatures[${forged}].signature`,
        description: "does not verify over the document's canonical bytes with that key",
      },
    ]
  return [...possessionViolations(document, context), ...forceViolations(proof, context)]
}

function* headingViolations(
  { previousHash, signedAt }: DocumentProof,
  { before, nowMicros }: ProofContext,
): Iterable<Violation> {
  const expected = before === undefined ? "" : documentHash(before)
  if (previousHash !== expected)
    yield {
      field: "proof.previous_hash",
      description:
        before === undefined
          ? "must be empty: it is the first document"
          : `must be that of the document before, ${expected}`,
    }
  const field = "proof.signed_at"
  const fault = signedAt === undefined ? "is missing" : momentProblem(signedAt)
  if (fault !== undefined) yield { field, description: fault }
  if (signedAt && nowMicros !== undefined && microsOfMoment(signedAt) > nowMicros + MAX_SIGNER_LEAD_MICROS)
    yield { field, description: "is more than 5 minutes in the future" }
  const last = before?.proof?.signedAt
  if (signedAt && last && !isBefore(last, signedAt))
    yield { field, description: "must be later than that of the document before" }
}

function* signerViolations(
  { authority }: Document,
  { signatures }: DocumentProof,
  { before }: ProofContext,
): Iterable<Violation> {
  if (signatures.length > MAX_DOCUMENT_SIGNATURES)
    yield {
      field: "proof.signatures",
      description: `has ${signatures.length} signatures; at most ${MAX_DOCUMENT_SIGNATURES} are allowed`,
    }
  const known = publicKeysOf(authority, before?.authority)
  const seen = new Set<string>()
  for (const [index, { publicKey }] of signatures.entries()) {
    const field = `proof.signatures[${index}].public_key`
    if (!known.has(publicKey))
      yield { field, description: "is no key of the document, nor of the one before" }
    if (seen.has(publicKey)) yield { field, description: "has signed before in this list" }
    seen.add(publicKey)
  }
}

// Whoever names a key as its own must have it.
function possessionViolations({ authority, proof }: Document, { before }: ProofContext): Violation[] {
  const known = publicKeysOf(before?.authority)
  const signed = new Set(proof?.signatures.map(({ publicKey }) => publicKey))
  return authority.keys.flatMap(({ publicKey }, index) =>
    known.has(publicKey) || signed.has(publicKey)
      ? []
      : [
          {
            field: `authority.keys[${index}].public_key`,
            description:
              "is new, and has not signed the document: proof.signatures needs one by each new key",
          },
        ],
  )
}

function forceViolations(
  { signedAt, signatures }: DocumentProof,
  { before, storedMicros: firstStoredMicros, nowMicros }: ProofContext,
): Violation[] {
  if (before === undefined) return []
  const atMicros = signedAt && microsOfMoment(signedAt)
  const then = keysInForce(before.authority, { atMicros, firstStoredMicros })
  // Clocks differ, so that of now only says which windows are over.
  const now = { atMicros: nowMicros ?? atMicros, orLater: true, firstStoredMicros }
  const still = keysInForce(before.authority, now)
  if (signatures.some(({ publicKey }) => then.has(publicKey) && still.has(publicKey))) return []
  return [
    {
      field: "proof.signatures",
      description:
        "has none by a key of the document before that is in force: one whose window covers signed_at, and which is not revoked",
    },
  ]
}

function keysInForce({ id, keys }: Authority, time: SigningTime): Set<string> {
  return new Set(keysFor({ id, keys: keys.map(trustKeyOf) }, time).map(({ publicKey }) => publicKey))
}

function publicKeysOf(...authorities: (Authority | undefined)[]): Set<string> {
  return new Set(authorities.flatMap((authority) => authority?.keys.map(({ publicKey }) => publicKey) ?? []))
}
