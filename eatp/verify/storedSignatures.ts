import type { AuditAnchor, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import type { Violation } from "../shape/shapeContext.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import type { AuthorityKey, TrustAuthority } from "./authorityKeys.js"
import { type ChainSignature, type ChainSignatures, openSignatures } from "./chainSignatures.js"
import type { Lookup, StoredTrust, TrustInput } from "./trustInput.js"
import { verifySignatures } from "./verifySignatures.js"
import { windowProblem } from "./windowProblem.js"

/** What is known about who signed a chain. */
export type Signers = {
  /** The authorities that its records name. */
  authorities: Lookup<TrustAuthority>
  /** The chains of its delegators. */
  delegators: Lookup<StoredTrust>
  /** As in {@link TrustInput}, for keys that were compromised. */
  firstStored?: TrustInput["firstStored"]
}

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
  const { genesis } = chain
  if (!genesis) return findings
  const signaturesOf = openSignatures({
    request: { agentId: genesis.agentId, action: "", level: "full" },
    nowMicros: 0n,
    chains: delegators,
    authorities,
    firstStored,
    // A legacy capability is signed as well; whether it counts is for VerifyTrust to decide.
    options: { allowUnboundLegacyCapabilities: true },
  })
  const signed = [...fieldsOf(chain, signaturesOf(chain, genesis))]
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

type SignedField = { field: string; signature: ChainSignature }

// In the order of the chain's fields; a missing chain-state signature is reported last.
function* fieldsOf(chain: TrustLineageChain, signatures: ChainSignatures): Iterable<SignedField> {
  yield { field: "chain.genesis.signature", signature: signatures.genesis() }
  if (chain.chainStateSignature !== undefined)
    yield { field: "chain.chain_state_signature", signature: signatures.chainState() }
  for (const [index, capability] of chain.capabilities.entries())
    yield { field: `chain.capabilities[${index}].signature`, signature: signatures.capability(capability) }
  for (const [index, delegation] of chain.delegations.entries()) {
    const path = `chain.delegations[${index}]`
    yield { field: `${path}.signature`, signature: signatures.delegation(delegation) }
    yield* reasoningField(delegation, path, signatures)
  }
  for (const [index, anchor] of chain.auditAnchors.entries()) {
    const path = `chain.audit_anchors[${index}]`
    yield { field: `${path}.signature`, signature: signatures.anchor(anchor) }
    yield* reasoningField(anchor, path, signatures)
  }
}

function* reasoningField(
  record: DelegationRecord | AuditAnchor,
  path: string,
  signatures: ChainSignatures,
): Iterable<SignedField> {
  if (record.reasoningTrace !== undefined)
    yield { field: `${path}.reasoning_signature`, signature: signatures.reasoning(record) }
}

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
