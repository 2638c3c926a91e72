import { DenialReason } from "@trust-registry/proto"

/** Returns a hint for a denial whose text, which is EATP's own, does not say what to do; undefined for others. */
export function denialHint(reason: DenialReason): string | undefined {
  if (reason === DenialReason.CHAIN_STATE_UNSIGNED)
    return "hint: `trust-registry resign` signs the chain's state with its authority's key"
  if (reason === DenialReason.AUTHORITY_UNKNOWN)
    return "hint: the authority is not registered: see `trust-registry authority register`"
  return SIGNATURES.has(reason) ? CHANGED_OR_REVOKED : undefined
}

const CHANGED_OR_REVOKED =
  "hint: the record was changed after it was signed, or its key was rotated or revoked: `trust-registry authority get` " +
  "prints the keys, `trust-registry resign` signs the chain again"

const SIGNATURES: ReadonlySet<DenialReason> = new Set([
  DenialReason.CHAIN_STATE_SIGNATURE_INVALID,
  DenialReason.CAPABILITY_SIGNATURE_INVALID,
  DenialReason.GENESIS_SIGNATURE_INVALID,
  DenialReason.REASONING_SIGNATURE_INVALID,
  DenialReason.DELEGATION_SIGNATURE_INVALID,
  DenialReason.AUDIT_SIGNATURE_INVALID,
])
