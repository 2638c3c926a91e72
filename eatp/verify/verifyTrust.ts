import { envelopeConstraintsMet, signedConstraintsMet } from "./constraintChecks.js"
import { effectiveConstraints } from "./effectiveConstraints.js"
import { delegationRuns, expiriesAware, notExpired } from "./expiryChecks.js"
import { type Check, type Question, questionOf, type SlicedCheck } from "./question.js"
import {
  hasReasoning,
  reasoningGiven,
  reasoningHolds,
  reasoningPresent,
  reasoningWarnings,
} from "./reasoningChecks.js"
import {
  actionCovered,
  anchorsSigned,
  chainStateSigned,
  delegationSignaturesFormed,
  delegationsSigned,
  matchedCapabilitySigned,
  quorumSigned,
  someSignature,
  sourcesSigned,
} from "./recordChecks.js"
import { delegatorsInForce, notInLedger, notRevoked, sourceNotRevoked } from "./revocationChecks.js"
import { verifyInSlices } from "./signatureSlices.js"
import type { TrustInput, TrustLevel } from "./trustInput.js"
import { type Denial, denial, type TrustVerdict } from "./verdict.js"

/**
 * Answers whether an agent may do something now (EATP VERIFY): with the verdicts and reasons of EATP's
 * reference implementation, and stricter where that lets something pass that it should not: what it would
 * answer stands in the first list of checks, what we ask besides in the second. Never throws: what cannot be
 * evaluated is denied.
 */
export async function verifyTrust(input: TrustInput): Promise<TrustVerdict> {
  const { agentId } = input.request
  const stored = input.chains.get(agentId)
  const genesis = stored?.chain.genesis
  if (stored?.active !== true || genesis?.agentId !== agentId) {
    return denied(input, denial("NO_TRUST_CHAIN", "No trust chain found"))
  }
  try {
    return await answer(questionOf(input, stored.chain, genesis))
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    return denied(input, denial("EVALUATION_FAILED", `Trust could not be evaluated: ${cause}`))
  }
}

const always: Check[] = [notInLedger, notRevoked, expiriesAware]
const sources: SlicedCheck[] = [sourcesSigned, signedConstraintsMet]
const reference: Record<TrustLevel, SlicedCheck[]> = {
  quick: [...always, notExpired],
  standard: [...always, chainStateSigned, actionCovered, matchedCapabilitySigned, ...sources],
  full: [
    ...always,
    chainStateSigned,
    actionCovered,
    ...sources,
    reasoningGiven,
    allReasoning,
    delegationsSigned,
  ],
}
const besides: Record<TrustLevel, SlicedCheck[]> = {
  quick: [someSignature, delegatorsInForce],
  standard: [
    delegatorsInForce,
    sourceNotRevoked,
    delegationSignaturesFormed,
    delegationRuns,
    envelopeConstraintsMet,
  ],
  full: [
    delegatorsInForce,
    sourceNotRevoked,
    quorumSigned,
    delegationRuns,
    envelopeConstraintsMet,
    reasoningHolds,
    anchorsSigned,
  ],
}

// The reference implementation verifies traces where every record has one, and before the delegations.
function allReasoning(question: Question): Denial | undefined {
  return hasReasoning(question.chain) === true ? reasoningHolds(question) : undefined
}

async function answer(question: Question): Promise<TrustVerdict> {
  const { input } = question
  const { level } = input.request
  await verifyInSlices(question)
  for (const check of [...reference[level], ...besides[level]]) {
    const checked = check(question)
    const found = checked instanceof Promise ? await checked : checked
    if (found !== undefined) return denied(input, found)
  }
  return allowed(question)
}

function denied({ request }: TrustInput, { reason, text, ...more }: Denial): TrustVerdict {
  return {
    valid: false,
    level: request.level,
    reason,
    reasonText: text,
    effectiveConstraints: [],
    violations: more.violations ?? [],
    ...defined("reasoningPresent", more.reasoningPresent),
    ...defined("reasoningVerified", more.reasoningVerified),
  }
}

function allowed(question: Question): TrustVerdict {
  const { level } = question.input.request
  if (level === "quick") return { valid: true, level, effectiveConstraints: [], violations: [] }
  const verified = level === "full" && hasReasoning(question.chain) === true
  return {
    valid: true,
    level,
    ...defined("capabilityUsed", question.capability?.id),
    effectiveConstraints: effectiveConstraints(question),
    violations: reasoningWarnings(question),
    ...defined("reasoningPresent", reasoningPresent(question)),
    ...defined("reasoningVerified", verified || undefined),
  }
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
