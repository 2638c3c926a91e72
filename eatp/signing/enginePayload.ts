import type { DelegationRecord, MultiSigSigningPolicy } from "@trust-registry/proto"
import { delegateCanonicalJson } from "../canonical/canonical.js"
import { JsonNumber, JsonObject } from "../json/json.js"
import { refuseNonAscii } from "./asciiOnly.js"
import { type DELEGATION_V2, DELEGATION_V3, dimensionsText, isUnscoped } from "./delegationVersion.js"
import { constraintsField, resourceLimitsField, scopeField } from "./engineFields.js"
import { engineTime } from "./engineTime.js"
import { checkPolicy } from "./multiSigPolicy.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/**
 * The text under a v2-complete or v3-complete delegation's signature (EATP 5.3): the form shared by all EATP
 * engines. Everything in it is ASCII, times are whole seconds in UTC, and the order of capabilities matters.
 *
 * @throws SigningPayloadError (unsignable) with the reference implementation's message.
 */
export function enginePayload(
  delegation: DelegationRecord,
  version: typeof DELEGATION_V2 | typeof DELEGATION_V3,
): string {
  const limits = engineLimits(delegation)
  const payload = basePayload(delegation)
  if (version === DELEGATION_V3 && delegation.multiSig) payload.set("multi_sig", true)
  for (const [key, value] of limits) payload.set(key, value)
  payload.set("reasoning_trace_hash", delegation.reasoningTraceHash ?? null)
  payload.set("signing_payload_version", version)
  if (version === DELEGATION_V3) addPolicy(payload, delegation)
  return encode(payload)
}

/**
 * The oldest form of the engines, `v1-legacy`: seven keys, and `multi_sig` if several parties sign. No chain record
 * uses it, but other engines hold such delegations.
 *
 * @throws SigningPayloadError (unsignable) as {@link enginePayload} does.
 */
export function engineLegacyPayload(delegation: DelegationRecord): string {
  const payload = basePayload(delegation)
  if (delegation.multiSig) payload.set("multi_sig", true)
  return encode(payload)
}

function basePayload(delegation: DelegationRecord): JsonObject {
  return new JsonObject([
    ["delegation_id", delegation.id],
    ["delegator", delegation.delegatorId],
    ["delegate", delegation.delegateeId],
    ["capabilities", delegation.capabilitiesDelegated],
    ["created_at", engineTime(delegation.delegatedAt)],
    ["expires_at", delegation.expiresAt === undefined ? null : engineTime(delegation.expiresAt)],
    ["parent_delegation_id", delegation.parentDelegationId ?? null],
  ])
}

function engineLimits(delegation: DelegationRecord): JsonObject {
  const { constraints, resourceLimits, scope } = delegation
  if (constraints === undefined) return missing("constraints", "structured ConstraintDimensions")
  if (resourceLimits === undefined) return missing("resource_limits", "structured ResourceLimits")
  if (scope === undefined) return missing("scope", "a structured DelegationScope")
  if (!isUnscoped(delegation)) return narrowed(delegation)
  return new JsonObject([
    ["constraints", constraintsField(constraints)],
    ["resource_limits", resourceLimitsField(resourceLimits)],
    ["scope", scopeField(scope)],
  ])
}

function addPolicy(payload: JsonObject, { multiSig, multiSigPolicy }: DelegationRecord): void {
  if (!multiSig || multiSigPolicy === undefined) {
    throw new SigningPayloadError(
      "unsignable",
      "V3_COMPLETE requires a multi-sig record with a multi_sig_policy (multi_sig=True and multi_sig_policy set)",
    )
  }
  payload.set("multi_sig_threshold", new JsonNumber(String(multiSigPolicy.threshold)))
  payload.set("multi_sig_authorized_signers", sortedSigners(multiSigPolicy))
}

function sortedSigners(policy: MultiSigSigningPolicy): string[] {
  const problem = checkPolicy(policy.threshold, policy.authorizedSigners)
  if (problem !== undefined) throw new SigningPayloadError("unsignable", problem)
  return policy.authorizedSigners.map((signer) => signer.toLowerCase()).sort()
}

function encode(payload: JsonObject): string {
  refuseNonAscii(payload, "$")
  return delegateCanonicalJson(payload)
}

function missing(field: string, structured: string): never {
  throw new SigningPayloadError(
    "unsignable",
    `build_delegation_signing_input: '${field}' is required for the engine (v2/v3) pre-image; DelegationRecord does not ` +
      `persist ${structured}, so the caller MUST supply it (fail-closed — no guessed defaults)`,
  )
}

function narrowed(delegation: DelegationRecord): never {
  throw new SigningPayloadError(
    "unsignable",
    `build_delegation_signing_input: record.dimension_scope is narrowed (${dimensionsText(delegation)}); its fold into ` +
      "the cross-SDK v2/v3 pre-image is not yet pinned (rs#1795), and the engine byte-verifies only the unscoped " +
      "(all-dimensions) form. Signing a scoped record under v2/v3 would drop its scope binding (a widening-attack " +
      "defence) — fail closed until a scoped vector is pinned in lockstep",
  )
}
