import {
  type ConstraintEnvelope,
  encodedLength,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { constraintHash } from "../hash/chainHash.js"
import { expiredPart } from "../rules/expiry.js"
import { SIGNATURE_ALGORITHM } from "../signing/ed25519.js"
import { atOnce } from "../turns/turns.js"
import {
  DEFAULT_LIMITS,
  type ShapeContext,
  type ShapeLimits,
  shapeContext,
  type Violation,
} from "./shapeContext.js"
import { checkDelegation } from "./shapeDelegation.js"
import { checkReasoning } from "./shapeReasoning.js"
import { checkRecordSteps } from "./shapeRecord.js"

/**
 * Checks the rules of the registry that one chain must meet on write, apart from signatures and other chains. Gives a
 * violation for each field that breaks a rule, at most 1,000; an empty list if the chain is valid. Never throws.
 *
 * @param nowMicros the current time in microseconds since 1970 UTC, to refuse an expired chain; unset: do not check
 * @param bytes the chain's length as protobuf, for callers that know it
 */
export function checkShape(
  chain: TrustLineageChain,
  limits: ShapeLimits = DEFAULT_LIMITS,
  nowMicros?: bigint,
  bytes: number = encodedLength(TrustLineageChainSchema, chain),
): Violation[] {
  return atOnce(shapeSteps(chain, limits, nowMicros, bytes))
}

/** The same, with steps between which others may have a turn. */
export function* shapeSteps(
  chain: TrustLineageChain,
  limits: ShapeLimits,
  nowMicros: bigint | undefined,
  bytes: number,
): Generator<void, Violation[]> {
  const context = shapeContext(limits)
  if (checkSize(bytes, context)) {
    checkCounts(chain, context)
    checkAgent(chain, context)
    yield
    yield* checkRecordSteps(TrustLineageChainSchema, chain, "chain", context)
    checkRecords(chain, context)
    yield
    checkConstraintHash(chain.constraintEnvelope, context)
    if (nowMicros !== undefined) checkExpiry(chain, nowMicros, context)
  }
  return context.violations
}

// A chain that is too large is not checked further.
function checkSize(bytes: number, { limits, report }: ShapeContext): boolean {
  if (bytes <= limits.maxChainBytes) return true
  report("chain", `is ${bytes} bytes long; at most ${limits.maxChainBytes}`)
  return false
}

function checkCounts(chain: TrustLineageChain, { limits, report }: ShapeContext): void {
  const lists = [
    ["capabilities", chain.capabilities, limits.maxCapabilities],
    ["delegations", chain.delegations, limits.maxDelegations],
    ["audit_anchors", chain.auditAnchors, limits.maxAnchors],
  ] as const
  for (const [name, records, most] of lists) {
    if (records.length > most) report(`chain.${name}`, `has ${records.length} records; at most ${most}`)
    if (records.length > 1) checkDistinct(name, records, report)
  }
}

function checkDistinct(
  name: string,
  records: readonly { id: string }[],
  report: ShapeContext["report"],
): void {
  const seen = new Map<string, number>()
  for (const [index, { id }] of records.entries()) {
    const first = seen.get(id)
    if (first === undefined) seen.set(id, index)
    else report(`chain.${name}[${index}].id`, `repeats the id of ${name}[${first}]`)
  }
}

function checkAgent(chain: TrustLineageChain, { report }: ShapeContext): void {
  const agentId = chain.genesis?.agentId
  if (agentId === undefined) {
    report("chain.genesis", "is required: a chain begins with its genesis record")
    return
  }
  const { signatureAlgorithm = SIGNATURE_ALGORITHM } = chain.genesis ?? {}
  if (signatureAlgorithm !== SIGNATURE_ALGORITHM)
    report("chain.genesis.signature_algorithm", `must be ${SIGNATURE_ALGORITHM}, or unset`)
  const check = (field: string, id: string) => {
    if (id !== agentId) report(field, "must be the chain's genesis.agent_id")
  }
  if (chain.constraintEnvelope !== undefined) {
    check("chain.constraint_envelope.agent_id", chain.constraintEnvelope.agentId)
  }
  for (const [index, { delegateeId }] of chain.delegations.entries()) {
    check(`chain.delegations[${index}].delegatee_id`, delegateeId)
  }
  for (const [index, anchor] of chain.auditAnchors.entries()) {
    check(`chain.audit_anchors[${index}].agent_id`, anchor.agentId)
  }
}

function checkRecords(chain: TrustLineageChain, context: ShapeContext): void {
  for (const [index, delegation] of chain.delegations.entries()) {
    const path = `chain.delegations[${index}]`
    checkDelegation(delegation, path, context)
    checkReasoning(delegation.reasoningTrace, `${path}.reasoning_trace`, context)
  }
  for (const [index, anchor] of chain.auditAnchors.entries()) {
    checkReasoning(anchor.reasoningTrace, `chain.audit_anchors[${index}].reasoning_trace`, context)
  }
}

function checkConstraintHash(envelope: ConstraintEnvelope | undefined, context: ShapeContext): void {
  const path = "chain.constraint_envelope"
  if (envelope === undefined || envelope.constraintHash === "") return
  // Constraints that break the rules may have no hash.
  const unsound = context.violations.some(({ field }) => field.startsWith(`${path}.active_constraints`))
  if (unsound || context.isFull()) return
  const expected = constraintHash(envelope.activeConstraints)
  if (envelope.constraintHash === expected) return
  context.report(`${path}.constraint_hash`, `must be empty or that of the constraints, "${expected}"`)
}

function checkExpiry(chain: TrustLineageChain, nowMicros: bigint, { report }: ShapeContext): void {
  const part = expiredPart(chain, nowMicros)
  if (part === "genesis") report("chain.genesis.expires_at", "the chain has expired")
  if (part === "capabilities")
    report("chain.capabilities", "the chain has expired: all of its capabilities have")
}
