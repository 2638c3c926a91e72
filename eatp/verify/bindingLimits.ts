import {
  type CapabilityAttestation,
  ConstraintType,
  type DelegationRecord,
  type TrustLineageChain,
} from "@trust-registry/proto"
import type { Json } from "../json/json.js"
import { parseSteps } from "../json/parseJson.js"
import { isRecordExpired } from "../rules/expiry.js"
import { delegationLimits, type Limit, limitsOf, scopeLimits } from "../rules/limits.js"
import { delegationsFor } from "../rules/runningDelegations.js"
import type { BindingLimit } from "./bindingLimit.js"
import { genesisConstraints, ownGenesisConstraints } from "./genesisConstraints.js"
import { type PathStep, stepsDown } from "./pathSteps.js"
import type { Question } from "./question.js"

// What is done with a limit, in steps.
type Take = (limit: BindingLimit) => Iterable<void>

/**
 * Gives the limits in the agent's own chain that bind the use of its capability: of the genesis record, of the capabilities of that
 * name and their delegations, unless expired, and of the envelope, except for what it has from other capabilities and delegations.
 */
export function* ownLimits(question: Question, take: Take): Generator<void, void> {
  const { chain, capability, input } = question
  if (capability === undefined) return
  const isLive = (record: { expiresAt?: string | undefined }) => !isRecordExpired(record, input.nowMicros)
  const isOwn = (item: CapabilityAttestation) => item.capability === capability.capability && isLive(item)
  for (const value of yield* ownGenesisConstraints(question)) yield* takeAll(limitsOf(value), "genesis", take)
  for (const item of chain.capabilities.filter(isOwn)) yield* capabilityLimits(item, take)
  const delegations = delegationsFor(chain.delegations, capability).filter(isLive)
  for (const delegation of delegations) yield* recordLimits(delegation, take)
  yield* envelopeLimits(
    chain,
    (item) => isOwn(item),
    (item) => delegations.includes(item),
    take,
  )
}

/** Gives the limits of the records on a path that stand in the chains above the agent's own, each of which binds, too. */
export function* pathLimits(top: PathStep, take: Take): Generator<void, void> {
  const steps = stepsDown(top)
  const own = steps.at(-1)?.chain
  let delegations = steps.filter(({ kind }) => kind === "DELEGATION").length
  const seen = new Set<TrustLineageChain>()
  for (const step of steps) {
    if (step.kind === "DELEGATION") delegations--
    if (step.chain === own) continue
    const delegatedOn = delegations > 0
    const above: Take = (limit) => take({ ...limit, delegatedOn })
    if (!seen.has(step.chain)) yield* genesisLimits(step.chain, `genesis of ${step.agentId}`, above)
    seen.add(step.chain)
    if (step.kind === "CAPABILITY") yield* capabilityLimits(step.record, above)
    else yield* recordLimits(step.record, above)
  }
}

function* genesisLimits({ genesis }: TrustLineageChain, source: string, take: Take): Generator<void, void> {
  if (genesis === undefined) return
  for (const value of yield* genesisConstraints(genesis)) yield* takeAll(limitsOf(value), source, take)
}

function* capabilityLimits(
  { id, constraints, scopeJson }: CapabilityAttestation,
  take: Take,
): Generator<void, void> {
  const source = `capability:${id}`
  for (const text of constraints) yield* takeAll(limitsOf(text), source, take)
  const scope: Json = scopeJson === undefined ? null : yield* parseSteps(scopeJson)
  if (scope !== null) yield* takeAll(scopeLimits(scope), source, take)
}

function* recordLimits(delegation: DelegationRecord, take: Take): Generator<void, void> {
  const source = `delegation:${delegation.id}`
  for (const text of delegation.constraintSubset) yield* takeAll(limitsOf(text), source, take)
  yield* takeAll(delegationLimits(delegation), source, take)
}

// Nobody signs where an entry of the envelope comes from. So one is another record's if that record, signed, has its text.
function* envelopeLimits(
  { constraintEnvelope, capabilities, delegations }: TrustLineageChain,
  isOwn: (item: CapabilityAttestation) => boolean,
  isOwnDelegation: (item: DelegationRecord) => boolean,
  take: Take,
): Generator<void, void> {
  const entries = constraintEnvelope?.activeConstraints ?? []
  if (entries.length === 0) return
  const elsewhere = countsOf([
    ...capabilities.filter((item) => !isOwn(item)).flatMap(({ constraints }) => constraints),
    ...delegations
      .filter((item) => !isOwnDelegation(item))
      .flatMap(({ constraintSubset }) => constraintSubset),
  ])
  for (const { valueJson, source, constraintType } of entries) {
    // Checked with the traces themselves.
    if (constraintType === ConstraintType.REASONING_REQUIRED) continue
    const value = yield* parseSteps(valueJson)
    const others = typeof value === "string" ? (elsewhere.get(value) ?? 0) : 0
    if (others > 0) elsewhere.set(String(value), others - 1)
    else yield* takeAll(limitsOf(value), source || "envelope", take)
  }
}

function countsOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

function* takeAll(limits: readonly Limit[], source: string, take: Take): Generator<void, void> {
  for (const limit of limits) {
    yield* take({ limit, source, delegatedOn: false })
    yield
  }
}
