import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  ActionResult,
  type AuditAnchorSchema,
  type CapabilityAttestationSchema,
  CapabilityType,
  type DelegationRecordSchema,
} from "@trust-registry/proto"

/** A sound capability attestation; its id comes from its name. */
export function capability(name: string, changes: MessageInitShape<typeof CapabilityAttestationSchema> = {}) {
  return {
    id: `cap-${name}`,
    capability: name,
    capabilityType: CapabilityType.ACTION,
    attesterId: "org-acme",
    attestedAt: "2026-01-01T00:00:00+00:00",
    signature: "c2lnbmF0dXJl",
    signingPayloadVersion: "v1-subject-bound",
    ...changes,
  } satisfies MessageInitShape<typeof CapabilityAttestationSchema>
}

/** A sound delegation to the agent. */
export function delegation(
  delegateeId: string,
  changes: MessageInitShape<typeof DelegationRecordSchema> = {},
) {
  return {
    id: `del-${delegateeId.slice(0, 50)}`,
    delegatorId: "boss",
    delegateeId,
    taskId: "task-1",
    capabilitiesDelegated: ["read"],
    delegatedAt: "2026-01-01T00:00:00+00:00",
    signature: "c2lnbmF0dXJl",
    ...changes,
  } satisfies MessageInitShape<typeof DelegationRecordSchema>
}

/** A sound audit anchor of the agent. */
export function anchor(agentId: string, changes: MessageInitShape<typeof AuditAnchorSchema> = {}) {
  return {
    id: `anchor-${agentId.slice(0, 50)}`,
    agentId,
    action: "read",
    timestamp: "2026-01-01T00:00:00+00:00",
    trustChainHash: "00",
    result: ActionResult.SUCCESS,
    signature: "c2lnbmF0dXJl",
    ...changes,
  } satisfies MessageInitShape<typeof AuditAnchorSchema>
}
