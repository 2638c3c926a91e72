import type { CapabilityAttestation, DelegationRecord } from "@trust-registry/proto"
import { isToCome } from "../rules/expiry.js"
import { DELEGATION_V3 } from "../signing/delegationVersion.js"
import { isSignature, SIGNATURE_ALGORITHM } from "../signing/ed25519.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import { quoted } from "../text/visible.js"
import type { ChainSignatures } from "./chainSignatures.js"
import { capabilityFor, type Question } from "./question.js"
import { attesterOf } from "./recognition.js"
import { type Denial, denial } from "./verdict.js"

/** The genesis authority signed the current ids and constraints of the chain (EATP VERIFY, STANDARD). */
export function chainStateSigned({ input, chain, genesis, signatures }: Question): Denial | undefined {
  if (chain.chainStateSignature === undefined) {
    if (input.options?.allowUnsignedChainState === true) return undefined
    return denial(
      "CHAIN_STATE_UNSIGNED",
      "Chain has no chain-state signature — set-deletion / constraint-suppression protection is unavailable; re-sign " +
        "via the #1912 migration or set allow_unsigned_chain_state=True (#1912 Wave 3)",
    )
  }
  if (input.authorities.get(genesis.authorityId) === undefined) {
    return denial("AUTHORITY_UNKNOWN", "Chain-state signature authority unresolved — chain untrusted")
  }
  const signature = signatures.chainState()
  if (signature.outcome === "valid") return undefined
  const text = "Chain-state signature invalid — capability set or constraint envelope may be tampered (#1912)"
  return denial("CHAIN_STATE_SIGNATURE_INVALID", text, {
    signature,
    facts: { detail: "the state of the chain" },
  })
}

/** The genesis record names no other algorithm than the one that signatures are verified with. The name is not signed. */
export function algorithmKnown({ genesis }: Question): Denial | undefined {
  const { signatureAlgorithm = SIGNATURE_ALGORITHM } = genesis
  if (signatureAlgorithm === SIGNATURE_ALGORITHM) return undefined
  return denial("SIGNATURE_ALGORITHM_UNSUPPORTED", `Unsupported signature algorithm: ${signatureAlgorithm}`, {
    facts: { id: genesis.id, detail: signatureAlgorithm },
  })
}

/** The genesis authority is known: the reference implementation does not ask at QUICK, which looks at no signature. */
export function authorityKnown({ input, genesis }: Question): Denial | undefined {
  if (input.options?.quickNeedsAuthority !== true || input.authorities.get(genesis.authorityId) !== undefined)
    return undefined
  return denial("AUTHORITY_UNKNOWN", `Genesis authority unknown: ${genesis.authorityId}`)
}

/** A capability covers the action (EATP VERIFY, capability match). */
export function actionCovered({ input, chain, revoked, capability }: Question): Denial | undefined {
  if (capability !== undefined) return undefined
  const { action } = input.request
  const unusable = capabilityFor(chain.capabilities, action, input.nowMicros)
  if (unusable !== undefined) {
    const { id, attestedAt: since } = unusable
    if (revoked.capabilities?.has(id) === true)
      return denial("CAPABILITY_REVOKED", `Capability revoked: ${id}`, { facts: { id } })
    if (isToCome(unusable, input.nowMicros))
      return denial("NOT_YET_VALID", `Capability attested in the future: ${id}`, { facts: { id, since } })
    const facts = { id, authorityId: attesterOf(chain, unusable) }
    return denial("ATTESTER_NOT_RECOGNISED", `Attester not recognised: ${facts.authorityId}`, { facts })
  }
  return denial("CAPABILITY_NOT_FOUND", `No capability found for action '${action}'`)
}

/** The attester signed the capability that covers the action (EATP VERIFY, STANDARD). */
export function matchedCapabilitySigned({ capability, signatures }: Question): Denial | undefined {
  if (capability === undefined || signatures.capability(capability).outcome === "valid") return undefined
  const text = `Capability signature invalid — stored grant may be tampered: ${capability.id}`
  return capabilityDenial(capability, signatures, text)
}

/**
 * The sources of constraints are signed: the genesis record and every capability, including those that do not cover
 * the action (EATP VERIFY, STANDARD).
 */
export function sourcesSigned({ input, chain, genesis, signatures }: Question): Denial | undefined {
  if (input.authorities.get(genesis.authorityId) === undefined) {
    return denial("AUTHORITY_UNKNOWN", "Signing authority unresolved — constraints untrusted")
  }
  const signature = signatures.genesis()
  if (signature.outcome !== "valid") {
    const facts = { id: genesis.id, detail: "the genesis record" }
    const text = "Genesis signature invalid — constraints untrusted"
    return denial("GENESIS_SIGNATURE_INVALID", text, { signature, facts })
  }
  const forged = chain.capabilities.find(
    (capability) => signatures.capability(capability).outcome !== "valid",
  )
  if (forged === undefined) return undefined
  return capabilityDenial(
    forged,
    signatures,
    `Capability signature invalid — constraints untrusted: ${forged.id}`,
  )
}

function capabilityDenial(
  capability: CapabilityAttestation,
  signatures: ChainSignatures,
  text: string,
): Denial {
  const signature = signatures.capability(capability)
  const { id } = capability
  // An empty attester means the genesis authority.
  const attester = capability.attesterId === "" ? {} : { authorityId: capability.attesterId }
  if (signature.signer === undefined)
    return denial("CAPABILITY_SIGNATURE_INVALID", text, { cause: "AUTHORITY_UNKNOWN", facts: attester })
  const facts = { id, ...attester, detail: `capability ${quoted(id)}` }
  return denial("CAPABILITY_SIGNATURE_INVALID", text, { signature, facts })
}

/** The authority of each delegator signed its delegation (EATP VERIFY, FULL). */
export function delegationsSigned(question: Question): Denial | undefined {
  for (const delegation of question.chain.delegations) {
    const found = delegationDenial(delegation, question)
    if (found !== undefined) return found
  }
  return undefined
}

/** Each delegation's signature is well-formed; the reference implementation fails on one that is not. */
export function delegationSignaturesFormed({ chain }: Question): Denial | undefined {
  const malformed = chain.delegations.find(({ signature }) => !isSignature(signature))
  return malformed && malformedSignature(malformed)
}

/** A delegation names several signers only if its version signs them; EATP's from_dict refuses any other. */
export function quorumSigned({ chain }: Question): Denial | undefined {
  const unsigned = chain.delegations.find(({ multiSig, multiSigPolicy, signingPayloadVersion }) => {
    const several = signingPayloadVersion === DELEGATION_V3
    return multiSig !== several || (multiSigPolicy !== undefined) !== several
  })
  return (
    unsigned &&
    denial(
      "DELEGATION_UNSIGNABLE",
      `Delegation names signers that its version does not sign: ${unsigned.id}`,
      {
        facts: { id: unsigned.id },
      },
    )
  )
}

/** The genesis authority signed each audit anchor; the reference implementation does not verify anchors. */
export function anchorsSigned({ chain, signatures }: Question): Denial | undefined {
  const forged = chain.auditAnchors.find((anchor) => signatures.anchor(anchor).outcome !== "valid")
  if (forged === undefined) return undefined
  const facts = { id: forged.id, detail: `audit anchor ${quoted(forged.id)}` }
  const text = `Invalid audit anchor signature: ${forged.id}`
  return denial("AUDIT_SIGNATURE_INVALID", text, { signature: signatures.anchor(forged), facts })
}

/** At least one record carries a signature; EATP's to_dict drops them all. */
export function someSignature({ chain, genesis }: Question): Denial | undefined {
  const records = [genesis, ...chain.capabilities, ...chain.delegations]
  if (records.some(({ signature }) => signature !== "")) return undefined
  return denial("CHAIN_UNSIGNED", "No record of the chain carries a signature")
}

function delegationDenial(delegation: DelegationRecord, { input, signatures }: Question): Denial | undefined {
  const delegator = input.chains.get(delegation.delegatorId)
  if (delegator?.active !== true || delegator.chain.genesis?.agentId !== delegation.delegatorId) {
    const facts = { id: delegation.delegatorId }
    return denial("DELEGATOR_NOT_FOUND", `Delegator chain not found: ${delegation.delegatorId}`, { facts })
  }
  const signature = signatures.delegation(delegation)
  const { signer, outcome } = signature
  const { authorityId } = delegator.chain.genesis
  if (signer === undefined) {
    const facts = { authorityId, holderId: delegation.delegatorId }
    return denial("AUTHORITY_UNKNOWN", `Delegator authority unresolved: ${delegation.delegatorId}`, { facts })
  }
  if (outcome === "valid") return undefined
  if (outcome instanceof SigningPayloadError) return unsignable(outcome, delegation)
  if (!isSignature(delegation.signature)) return malformedSignature(delegation)
  const facts = { id: delegation.id, authorityId, detail: `delegation ${quoted(delegation.id)}` }
  const text = `Invalid delegation signature: ${delegation.id}`
  return denial("DELEGATION_SIGNATURE_INVALID", text, { signature, facts })
}

function unsignable({ code, message }: SigningPayloadError, { id }: DelegationRecord): Denial {
  const facts = { id, detail: message }
  if (code === "unsupported_version") {
    const text = `Unsupported delegation signing_payload_version: ${message}`
    return denial("DELEGATION_VERSION_UNSUPPORTED", text, { facts })
  }
  return denial("DELEGATION_UNSIGNABLE", `Delegation signing pre-image could not be built: ${message}`, {
    facts,
  })
}

function malformedSignature({ id }: DelegationRecord): Denial {
  return denial("DELEGATION_SIGNATURE_MALFORMED", `Malformed delegation signature: ${id}`, { facts: { id } })
}
