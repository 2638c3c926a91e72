import type { DelegationRecord } from "@trust-registry/proto"
import { canonicalSteps } from "../canonical/canonical.js"
import { JsonObject } from "../json/json.js"
import { atOnce } from "../turns/turns.js"
import { DELEGATION_LEGACY, DELEGATION_V2, DELEGATION_V3, dimensionsOf } from "./delegationVersion.js"
import { enginePayload } from "./enginePayload.js"
import { optionalTimeField, sortedField, timeField } from "./payloadFields.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/**
 * The text under a delegation's signature, by the record's signing_payload_version (EATP 5.3). Refuses an unknown
 * version: to treat it as the legacy one would verify the wrong bytes.
 *
 * @throws SigningPayloadError with code unsupported_version, or unsignable for contents that the version cannot sign.
 */
export function delegationPayload(delegation: DelegationRecord): string {
  return atOnce(delegationSteps(delegation))
}

/** The same in steps between which others may have a turn. */
export function* delegationSteps(delegation: DelegationRecord): Generator<void, string> {
  const version = delegation.signingPayloadVersion ?? DELEGATION_LEGACY
  if (version === DELEGATION_LEGACY) return yield* legacySteps(delegation)
  if (version === DELEGATION_V2 || version === DELEGATION_V3) return enginePayload(delegation, version)
  throw new SigningPayloadError("unsupported_version", version)
}

function* legacySteps(delegation: DelegationRecord): Generator<void, string> {
  return yield* canonicalSteps(
    new JsonObject([
      ["id", delegation.id],
      ["delegator_id", delegation.delegatorId],
      ["delegatee_id", delegation.delegateeId],
      ["task_id", delegation.taskId],
      ["capabilities_delegated", yield* sortedField(delegation.capabilitiesDelegated)],
      ["constraint_subset", yield* sortedField(delegation.constraintSubset)],
      ["delegated_at", timeField(delegation.delegatedAt)],
      ["dimension_scope", dimensionsOf(delegation)],
      ["expires_at", optionalTimeField(delegation.expiresAt)],
      ["parent_delegation_id", delegation.parentDelegationId ?? null],
      ["reasoning_trace_hash", delegation.reasoningTraceHash ?? null],
    ]),
  )
}
