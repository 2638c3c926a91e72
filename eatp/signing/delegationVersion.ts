import { ConstraintDimensionSchema, type DelegationRecord } from "@trust-registry/proto"
import { dimensionWords } from "../document/words.js"
import { pythonStr } from "../python/pythonStr.js"
import { wordField } from "./payloadFields.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/** The first version of delegations: signs dimension_scope and constraint_subset, but no engine limits. */
export const DELEGATION_LEGACY = "legacy-python-v0"
/** Signs the engine limits. */
export const DELEGATION_V2 = "v2-complete"
/** Signs the engine limits and the policy of several signers. */
export const DELEGATION_V3 = "v3-complete"

/**
 * Selects the version to sign a new delegation with (EATP 5.3, select_signing_version): the engine limits come together
 * or not at all, and several signers need all of them and every dimension.
 *
 * @throws SigningPayloadError for any other mix, which would leave something unsigned.
 */
export function selectDelegationVersion(delegation: DelegationRecord): string {
  checkPolicyPairing(delegation)
  const missing = engineFields(delegation)
    .filter(([, value]) => value === undefined)
    .map(([name]) => name)
  if (delegation.multiSig) return versionOfMany(delegation, missing)
  if (missing.length === 3) return DELEGATION_LEGACY
  if (missing.length > 0) {
    unsignable(`constraints, resource_limits and scope come together or not at all; ${missing} missing`)
  }
  return isUnscoped(delegation) ? DELEGATION_V2 : DELEGATION_LEGACY
}

/** Whether a delegation covers every dimension; an empty list in a message means all. */
export function isUnscoped(delegation: DelegationRecord): boolean {
  return delegation.dimensionScope.length === 0 || dimensionsOf(delegation).length === dimensionWords.length
}

/** The dimensions of a delegation, sorted, as EATP signs them. */
export function dimensionsOf(delegation: DelegationRecord): string[] {
  const given = delegation.dimensionScope.map((number) => wordField(ConstraintDimensionSchema, number))
  return [...new Set(given.length === 0 ? dimensionWords : given)].sort()
}

/** The dimensions as Python prints the list, for the reference implementation's messages. */
export function dimensionsText(delegation: DelegationRecord): string {
  return pythonStr(dimensionsOf(delegation))
}

function engineFields({ constraints, resourceLimits, scope }: DelegationRecord) {
  return [
    ["constraints", constraints],
    ["resource_limits", resourceLimits],
    ["scope", scope],
  ] as const
}

function checkPolicyPairing({ multiSig, multiSigPolicy }: DelegationRecord): void {
  if (multiSig && multiSigPolicy === undefined) unsignable("multi_sig needs a multi_sig_policy to sign")
  if (!multiSig && multiSigPolicy !== undefined) unsignable("multi_sig_policy is set and multi_sig is not")
}

function versionOfMany(delegation: DelegationRecord, missing: string[]): string {
  if (missing.length > 0)
    unsignable(`multi_sig needs constraints, resource_limits and scope; ${missing} missing`)
  if (!isUnscoped(delegation))
    unsignable(`multi_sig needs every dimension, not ${dimensionsText(delegation)}`)
  return DELEGATION_V3
}

function unsignable(message: string): never {
  throw new SigningPayloadError("unsignable", message)
}
