import type { TrustLineageChain } from "@trust-registry/proto"
import type { Violation } from "../shape/shapeContext.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import type { AuthorityKey, TrustAuthority } from "./authorityKeys.js"
import type { ChainSignature } from "./chainSignatures.js"
import { type Signers, signedFields } from "./signedFields.js"
import { verifySignatures } from "./verifySignatures.js"
import { windowProblem } from "./windowProblem.js"

/** What {@link checkSignatures} finds. */
export type SignatureFindings = {
  /** Signatures of known signers that do not verify. */
  bad: Violation[]
  /** Those of the bad ones that would verify if their key were not revoked. */
  revoked: Violation[]
  /** Records whose signer is not known, or that lack an optional signature: they make a chain unverified. */
  open: Violation[]
}

/**
 * Verifies every signature of a chain whose signer is known, for a store that is about to keep it. Expiry does not
 * matter here: what was signed stays signed.
 */
export async function checkSignatures(
  chain: TrustLineageChain,
  { authorities, delegators, firstStored }: Signers,
): Promise<SignatureFindings> {
  const findings: SignatureFindings = { bad: [], revoked: [], open: [] }
  const signed = signedFields(chain, { authorities, delegators, firstStored })
  await verifySignatures(signed.map(({ signature }) => signature))
  const revoked = await signedWithRevokedKey(signed.map(({ signature }) => signature))
  // The reason costs as much as the check, so that only the first are told.
  let explained = 0
  const windowOf = (signature: ChainSignature) =>
    explained++ < MAX_EXPLAINED ? windowProblem(signature) : undefined
  for (const { field, signature } of signed) {
    const { signer, outcome } = signature
    if (signer === undefined) findings.open.push({ field, description: "its signer is not known here" })
    else if (outcome === "missing") findings.open.push({ field, description: "is missing" })
    else if (outcome !== "valid") {
      const isRevoked = revoked.has(signature)
      const violation = { field, description: problem(signature, isRevoked, await windowOf(signature)) }
      findings.bad.push(violation)
      if (isRevoked) findings.revoked.push(violation)
    }
  }
  if (chain.chainStateSignature === undefined)
    findings.open.push({ field: "chain.chain_state_signature", description: "is missing" })
  return findings
}

/** How many signatures of a chain are told why they do not verify, beyond that they do not. */
const MAX_EXPLAINED = 10

function problem(signature: ChainSignature, revoked: boolean, window: string | undefined): string {
  if (signature.outcome instanceof SigningPayloadError) return signature.outcome.message
  if (signature.outcome === "hash_mismatch") return "its trace does not match reasoning_trace_hash"
  if (revoked) return "does not verify: its key was revoked"
  return window ?? "does not verify with the key that its signer had then"
}

/** The invalid signatures that would be valid if no key had been revoked. */
export async function signedWithRevokedKey(
  signatures: readonly ChainSignature[],
): Promise<ReadonlySet<ChainSignature>> {
  const again = new Map<ChainSignature, ChainSignature>()
  for (const signature of signatures) {
    const { signer, outcome, claim } = signature
    if (outcome === "invalid" && signer?.keys.some(isRevoked))
      again.set(signature, { signer: neverRevoked(signer), claim })
  }
  await verifySignatures(again.values())
  return new Set([...again].filter(([, { outcome }]) => outcome === "valid").map(([signature]) => signature))
}

function isRevoked({ revoked, compromisedAtMicros }: AuthorityKey): boolean {
  return revoked === true || compromisedAtMicros !== undefined
}

// What verifies with it only was signed with a revoked key.
function neverRevoked(authority: TrustAuthority): TrustAuthority {
  return { ...authority, keys: authority.keys.map(({ revoked, compromisedAtMicros, ...key }) => key) }
}
