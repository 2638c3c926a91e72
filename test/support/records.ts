import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  ActionResult,
  AuditAnchorSchema,
  CapabilityAttestationSchema,
  CapabilityType,
  DelegationRecordSchema,
} from "@trust-registry/proto"

/** Creates a valid capability attestation, with an id derived from its name. */
export function capability(name: string, changes: MessageInitShape<typeof CapabilityAttestationSchema> = {}) {
  const sound = {
    id: `cap-${name}`,
    capability: name,
    capabilityType: CapabilityType.ACTION,
    attesterId: "org-acme",
    attestedAt: "2026-01-01T00:00:00+00:00",
    signature: "c2lnbmF0dXJl",
    signingPayloadVersion: "v1-subject-bound",
  }
  return create(CapabilityAttestationSchema, Object.assign(sound, changes))
}

/** Creates a valid delegation to the agent. */
export function delegation(
  delegateeId: string,
  changes: MessageInitShape<typeof DelegationRecordSchema> = {},
) {
  const sound = {
    id: `del-${delegateeId.slice(0, 50)}`,
    delegatorId: "boss",
    delegateeId,
    taskId: "task-1",
    capabilitiesDelegated: ["read"],
    delegatedAt: "2026-01-01T00:00:00+00:00",
    signature: "c2lnbmF0dXJl",
  }
  return create(DelegationRecordSchema, Object.assign(sound, changes))
}

/** Creates a valid audit anchor of the agent. */
export function anchor(agentId: string, changes: MessageInitShape<typeof AuditAnchorSchema> = {}) {
  const sound = {
    id: `anchor-${agentId.slice(0, 50)}`,
    agentId,
    action: "read",
    timestamp: "2026-01-01T00:00:00+00:00",
    trustChainHash: "00",
    result: ActionResult.SUCCESS,
    signature: "c2lnbmF0dXJl",
  }
  return create(AuditAnchorSchema, Object.assign(sound, changes))
}
