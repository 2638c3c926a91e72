import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { parseTime, type Violation } from "@trust-registry/eatp"
import {
  ActionResult,
  AuthorityType,
  CapabilityType,
  ConfidentialityLevel,
  ConstraintType,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"

/** The initial values of a chain. */
export type Init = MessageInitShape<typeof TrustLineageChainSchema>

/** Path of the free-form value that the tests change. */
export const META = "chain.genesis.metadata_json"
/** Path of the policy that {@link signers} makes. */
export const POLICY = "chain.delegations[0].multi_sig_policy"
/** Path of the trace that {@link reasoning} makes. */
export const TRACE = "chain.delegations[0].reasoning_trace"
/** Path of the envelope's hash. */
export const HASH = "chain.constraint_envelope.constraint_hash"
/** Path of the constraint that {@link constraint} makes. */
export const CONSTRAINT = "chain.constraint_envelope.active_constraints[0]"
/** A version that allows several signers. */
export const V3 = { signingPayloadVersion: "v3-complete" }

/** A sound genesis record of agent "a". */
export const genesis = {
  id: "g",
  agentId: "a",
  authorityId: "o",
  authorityType: AuthorityType.HUMAN,
  createdAt: "2026-01-01T00:00:00",
}
/** A sound capability. */
export const soundCapability = {
  id: "c",
  capability: "read",
  capabilityType: CapabilityType.ACCESS,
  attesterId: "o",
  attestedAt: "2026-01-01",
}
/** A sound delegation to agent "a". */
export const soundDelegation = {
  id: "d",
  delegatorId: "b",
  delegateeId: "a",
  taskId: "t",
  delegatedAt: "2026-01-01T00:00:00+00:00",
}
/** A sound anchor of agent "a". */
export const soundAnchor = { id: "n", agentId: "a", timestamp: "2026-01-01", result: ActionResult.SUCCESS }
/** A sound reasoning trace. */
export const soundTrace = { confidentiality: ConfidentialityLevel.SECRET, timestamp: "2026-01-01" }
/** A sound constraint. */
export const soundConstraint = { id: "k", constraintType: ConstraintType.TEMPORAL, valueJson: "1" }

/** A chain of the sound genesis record and what else is given. */
export function chainWithGenesis(change: object): TrustLineageChain {
  // Spread, the type forgets that this is the initial shape of one message.
  return create(TrustLineageChainSchema, { genesis, ...change } as Init)
}

/** The fields that are against the rules. */
export function fields(violations: Violation[]): string[] {
  return violations.map((violation) => violation.field)
}

/** The instant that a text names, in microseconds since 1970 UTC. */
export function micros(text: string): bigint {
  return parseTime(text)?.utcMicros as bigint
}

/** Changes a chain to have this metadata. */
export function metadata(metadataJson: string): Partial<Init> {
  return { genesis: { ...genesis, metadataJson } }
}

/** Changes a chain to have one capability, sound but for these changes. */
export function capability(changes: object): Partial<Init> {
  return { capabilities: [{ ...soundCapability, ...changes }] }
}

/** Changes a chain to have one delegation, sound but for these changes. */
export function delegation(changes: object): Partial<Init> {
  return { delegations: [{ ...soundDelegation, ...changes }] }
}

/** Changes a chain to have one reasoning trace, sound but for these changes. */
export function reasoning(changes: object): Partial<Init> {
  return delegation({ reasoningTrace: { ...soundTrace, ...changes } })
}

/** Changes a chain to have an envelope, sound but for these changes. */
export function envelope(changes: object): Partial<Init> {
  return { constraintEnvelope: { id: "e", agentId: "a", ...changes } }
}

/** Changes a chain to have one constraint, sound but for these changes. */
export function constraint(changes: object): Partial<Init> {
  return envelope({ activeConstraints: [{ ...soundConstraint, ...changes }] })
}

/** A policy of two signers. */
export function policy(threshold: number) {
  return { threshold: BigInt(threshold), authorizedSigners: ["ab".repeat(32), "cd".repeat(32)] }
}

/** Changes a chain to have one delegation of several signers under this policy. */
export function signers(multiSigPolicy: object): Partial<Init> {
  return delegation({ ...V3, multiSig: true, multiSigPolicy })
}

/** So many records with ids of their own. */
export function many<Item extends object>(count: number, item: Item): (Item & { id: string })[] {
  return Array.from({ length: count }, (_, index) => ({ ...item, id: `id-${index}` }))
}
