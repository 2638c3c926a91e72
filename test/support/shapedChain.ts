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

/** Path of the free-form value that tests change. */
export const META = "chain.genesis.metadata_json"
/** Path of the policy created by {@link signers}. */
export const POLICY = "chain.delegations[0].multi_sig_policy"
/** Path of the trace created by {@link reasoning}. */
export const TRACE = "chain.delegations[0].reasoning_trace"
/** Path of the envelope's hash. */
export const HASH = "chain.constraint_envelope.constraint_hash"
/** Path of the constraint created by {@link constraint}. */
export const CONSTRAINT = "chain.constraint_envelope.active_constraints[0]"
/** A version that allows several signers. */
export const V3 = { signingPayloadVersion: "v3-complete" }

/** A valid genesis record of agent "a". */
export const genesis = {
  id: "g",
  agentId: "a",
  authorityId: "o",
  authorityType: AuthorityType.HUMAN,
  createdAt: "2026-01-01T00:00:00",
}
/** A valid capability. */
export const soundCapability = {
  id: "c",
  capability: "read",
  capabilityType: CapabilityType.ACCESS,
  attesterId: "o",
  attestedAt: "2026-01-01",
}
/** A valid delegation to agent "a". */
export const soundDelegation = {
  id: "d",
  delegatorId: "b",
  delegateeId: "a",
  taskId: "t",
  delegatedAt: "2026-01-01T00:00:00+00:00",
}
/** A valid anchor of agent "a". */
export const soundAnchor = { id: "n", agentId: "a", timestamp: "2026-01-01", result: ActionResult.SUCCESS }
/** A valid reasoning trace. */
export const soundTrace = { confidentiality: ConfidentialityLevel.SECRET, timestamp: "2026-01-01" }
/** A valid constraint. */
export const soundConstraint = { id: "k", constraintType: ConstraintType.TEMPORAL, valueJson: "1" }

/** Creates a chain with the valid genesis record and `change`. */
export function chainWithGenesis(change: object): TrustLineageChain {
  // Once spread, the type no longer shows that this initializes one message.
  return create(TrustLineageChainSchema, { genesis, ...change } as Init)
}

/** Returns the fields of violations. */
export function fields(violations: Violation[]): string[] {
  return violations.map((violation) => violation.field)
}

/** Parses a time into microseconds since 1970 UTC. */
export function micros(text: string): bigint {
  return parseTime(text)?.utcMicros as bigint
}

/** A change that sets the metadata. */
export function metadata(metadataJson: string): Partial<Init> {
  return { genesis: { ...genesis, metadataJson } }
}

/** A change that sets one capability, valid except for `changes`. */
export function capability(changes: object): Partial<Init> {
  return { capabilities: [{ ...soundCapability, ...changes }] }
}

/** A change that sets one delegation, valid except for `changes`. */
export function delegation(changes: object): Partial<Init> {
  return { delegations: [{ ...soundDelegation, ...changes }] }
}

/** A change that sets one reasoning trace, valid except for `changes`. */
export function reasoning(changes: object): Partial<Init> {
  return delegation({ reasoningTrace: { ...soundTrace, ...changes } })
}

/** A change that sets the envelope, valid except for `changes`. */
export function envelope(changes: object): Partial<Init> {
  return { constraintEnvelope: { id: "e", agentId: "a", ...changes } }
}

/** A change that sets one constraint, valid except for `changes`. */
export function constraint(changes: object): Partial<Init> {
  return envelope({ activeConstraints: [{ ...soundConstraint, ...changes }] })
}

/** Creates a policy with two signers. */
export function policy(threshold: number) {
  return { threshold: BigInt(threshold), authorizedSigners: ["ab".repeat(32), "cd".repeat(32)] }
}

/** A change that sets one delegation with several signers under this policy. */
export function signers(multiSigPolicy: object): Partial<Init> {
  return delegation({ ...V3, multiSig: true, multiSigPolicy })
}

/** Returns `count` copies of a record with unique ids. */
export function many<Item extends object>(count: number, item: Item): (Item & { id: string })[] {
  return Array.from({ length: count }, (_, index) => ({ ...item, id: `id-${index}` }))
}
