import type { ChainSignature } from "./chainSignatures.js"
import type { TrustLevel } from "./trustInput.js"

/** Why trust is denied; stable codes for programs. */
export type DenialReason =
  | "NO_TRUST_CHAIN"
  | "REVOCATION_UNVERIFIABLE"
  | "REVOKED"
  | "NAIVE_EXPIRY"
  | "TRUST_CHAIN_EXPIRED"
  | "CHAIN_STATE_UNSIGNED"
  | "AUTHORITY_UNKNOWN"
  | "CHAIN_STATE_SIGNATURE_INVALID"
  | "CAPABILITY_NOT_FOUND"
  | "CAPABILITY_REVOKED"
  | "CAPABILITY_SIGNATURE_INVALID"
  | "GENESIS_SIGNATURE_INVALID"
  | "CONSTRAINT_VIOLATION"
  | "REASONING_MISSING"
  | "REASONING_HASH_MISMATCH"
  | "REASONING_SIGNATURE_MISSING"
  | "REASONING_SIGNATURE_INVALID"
  | "DELEGATOR_NOT_FOUND"
  | "DELEGATOR_INACTIVE"
  | "DELEGATION_VERSION_UNSUPPORTED"
  | "DELEGATION_UNSIGNABLE"
  | "DELEGATION_SIGNATURE_MALFORMED"
  | "DELEGATION_SIGNATURE_INVALID"
  | "DELEGATION_EXPIRED"
  | "AUDIT_SIGNATURE_INVALID"
  | "CHAIN_UNSIGNED"
  | "EVALUATION_FAILED"
  | "CAPABILITY_EXPIRED"
  | "PATH_BROKEN"
  | "AUTHORITY_MISMATCH"
  | "KEY_REVOKED"
  | "CONSTRAINT_NOT_ENFORCED"
  | "ATTESTER_NOT_RECOGNISED"
  | "AUTHORITY_NOT_PERMITTED"
  | "NOT_YET_VALID"
  | "AUTHORITY_INACTIVE"
  | "SIGNED_LATE"
  | "SIGNATURE_ALGORITHM_UNSUPPORTED"
  | "QUORUM_NOT_MET"
  | "DELEGATION_EXCEEDED"
  | "AUTHORITY_UNSIGNED"

/** A constraint that is not met, or a warning about one. */
export type TrustViolation = {
  /** Its value as text; `envelope` for the expiry of all, `reasoning_required` for a missing trace. */
  constraint: string
  /** Where it comes from: `genesis`, `capability:<id>`, `envelope`. */
  source: string
  reason: string
  severity: "error" | "warning"
  /** The rule of ours that found it, where EATP's reference implementation has none: see docs/stricter.md. */
  rule?: string
}

/** A constraint, scope or engine limit that binds the agent, and that neither a rule judged nor the caller heeds. */
export type UnenforcedConstraint = {
  /** As text: a constraint as it stands, a member of an object or scope as `name=value`. */
  constraint: string
  /** The record that sets it: `genesis`, `capability:<id>`, `delegation:<id>`, or what the envelope names. */
  source: string
  /** What a rule would need to judge it, for people; empty: there is no rule for it. */
  needs: string
}

/** The answer to a trust request. */
export type TrustVerdict = {
  valid: boolean
  level: TrustLevel
  /** Unset when valid. */
  reason?: DenialReason
  /** The reason in the words of EATP's reference implementation, or in ours if it has none. Unset when valid. */
  reasonText?: string
  /** Why, for people: one sentence that names the record. Unset when valid. */
  explanation?: string
  /** What to do about it, for programmers. Unset when valid. */
  remedy?: string
  /** The reason that the explanation is about, of which `reason` may be only a consequence. Unset when valid. */
  cause?: DenialReason
  /** Id of the capability that covers the action; from STANDARD on, when valid. */
  capabilityUsed?: string
  /** The genesis authority of the agent; from STANDARD on, when valid. */
  authorityId?: string
  /** The authority that attested that capability; from STANDARD on, when valid. */
  attesterId?: string
  /** The constraints of the capability and its delegations, sorted by code point; from STANDARD on, when valid. */
  effectiveConstraints: string[]
  violations: TrustViolation[]
  /** What nobody enforces; from STANDARD on, once the signed constraints were evaluated. */
  unenforcedConstraints: UnenforcedConstraint[]
  /** Whether every delegation and anchor has a reasoning trace; set if a constraint requires traces and there are records. */
  reasoningPresent?: boolean
  /** Whether the traces are valid; set at FULL if every record has one, or if one is not valid. */
  reasoningVerified?: boolean
}

/** What a sentence about a denial names. */
export type DenialFacts = {
  /** The agent that was asked about. */
  agentId: string
  /** What it wants to do. */
  action: string
  /** Id of the record that is at fault, or of the delegator. */
  id?: string | undefined
  /** The agent in whose chain that record is; unset: the agent that was asked about. */
  holderId?: string | undefined
  /** The authority that signed, or should have. */
  authorityId?: string | undefined
  /** Since when, as text. */
  since?: string | undefined
  /** The state of the chain: `deleted`, `suspended`, `revoked` or `expired`. */
  status?: string | undefined
  /** More about it, for people. */
  detail?: string | undefined
}

/** What a check gives to deny trust. */
export type Denial = {
  reason: DenialReason
  text: string
  /** What the sentence for people names beyond the agent and the action. */
  facts?: Partial<DenialFacts>
  /** What is behind it, where the check that denies knows better than its reason says. */
  cause?: DenialReason
  /** The signature that does not verify. */
  signature?: ChainSignature
  violations?: TrustViolation[]
  reasoningPresent?: boolean | undefined
  reasoningVerified?: boolean
}

/** Creates a denial. */
export function denial(reason: DenialReason, text: string, more: Partial<Denial> = {}): Denial {
  return { reason, text, ...more }
}
