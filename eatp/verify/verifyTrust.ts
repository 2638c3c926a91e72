import { isTurnOver, nextTurn } from "../turns/turns.js"
import { envelopeConstraintsMet, signedConstraintsMet } from "./constraintChecks.js"
import { type Explained, explain, explainMissing } from "./denialCause.js"
import { effectiveConstraints } from "./effectiveConstraints.js"
import { judgedLimits, limitsEnforced, limitsMet, unenforced } from "./enforcement.js"
import { delegationRuns, expiriesAware, notExpired } from "./expiryChecks.js"
import { delegationSignatures, evidenceSignatures, sourceSignatures } from "./neededSignatures.js"
import { authoritiesSelfSigned } from "./pinChecks.js"
import { type Check, type Question, questionOf, type SlicedCheck } from "./question.js"
import { quorumMet } from "./quorum.js"
import {
  hasReasoning,
  reasoningGiven,
  reasoningHolds,
  reasoningPresent,
  reasoningWarnings,
} from "./reasoningChecks.js"
import { attesterOf } from "./recognition.js"
import {
  actionCovered,
  algorithmKnown,
  anchorsSigned,
  authorityKnown,
  chainStateSigned,
  delegationSignaturesFormed,
  delegationsSigned,
  matchedCapabilitySigned,
  quorumSigned,
  someSignature,
  sourcesSigned,
} from "./recordChecks.js"
import { delegatorsInForce, notInLedger, notRevoked, sourceNotRevoked } from "./revocationChecks.js"
import type { TrustInput, TrustLevel } from "./trustInput.js"
import { type Denial, denial, type TrustVerdict, type UnenforcedConstraint } from "./verdict.js"
import { verifySignatures } from "./verifySignatures.js"

/**
 * Answers whether an agent may do something now (EATP VERIFY). Verdicts and reasons are those of EATP's reference
 * implementation, and stricter where that allows what it should not: the first lists of checks are its own, the
 * second lists are ours. Never throws: what cannot be evaluated is denied.
 */
export async function verifyTrust(input: TrustInput): Promise<TrustVerdict> {
  const question = chainInQuestion(input)
  return question === undefined ? noTrustChain(input) : await verdictOn(question)
}

/** The question about the agent's chain; undefined if it has no chain, or none in force. */
export function chainInQuestion(input: TrustInput): Question | undefined {
  const { agentId } = input.request
  const stored = input.chains.get(agentId)
  const genesis = stored?.chain.genesis
  if (stored?.active !== true || genesis?.agentId !== agentId) return undefined
  return questionOf(input, stored.chain, genesis)
}

/** The verdict on an agent without a chain in force. */
export function noTrustChain(input: TrustInput): TrustVerdict {
  const found = denial("NO_TRUST_CHAIN", "No trust chain found")
  return denied(input, found, explainMissing(input, found))
}

/** The verdict on a question, as {@link verifyTrust} gives it. */
export async function verdictOn(question: Question): Promise<TrustVerdict> {
  const { input } = question
  const { level } = input.request
  const isLarge = recordsOf(question) > FEW_RECORDS
  try {
    for (const check of [...reference[level], ...stricter[level]]) {
      const checked = check(question)
      const found = checked instanceof Promise ? await checked : checked
      if (found !== undefined) {
        const open = question.limits === undefined ? [] : await unenforced(question, question.limits)
        return denied(input, found, await explain(question, found), open)
      }
      if (isLarge && isTurnOver()) await nextTurn()
    }
    return await allowed(question)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    const found = denial("EVALUATION_FAILED", `Trust could not be evaluated: ${cause}`, {
      facts: { detail: cause },
    })
    return denied(input, found, explainMissing(input, found))
  }
}

// Of so few records the checks take less time than to ask whether the turn is over.
const FEW_RECORDS = 64

function recordsOf({ chain }: Question): number {
  const { capabilities, delegations, auditAnchors, constraintEnvelope } = chain
  const constraints = constraintEnvelope?.activeConstraints.length ?? 0
  return capabilities.length + delegations.length + auditAnchors.length + constraints
}

const always: Check[] = [notInLedger, notRevoked, expiriesAware, authoritiesSelfSigned]
const sources: SlicedCheck[] = [sourcesSigned, signedConstraintsMet]
const reference: Record<TrustLevel, SlicedCheck[]> = {
  quick: [...always, notExpired],
  standard: [...always, verifySources, chainStateSigned, actionCovered, matchedCapabilitySigned, ...sources],
  full: [
    ...always,
    verifySources,
    chainStateSigned,
    actionCovered,
    ...sources,
    verifyRecords,
    reasoningGiven,
    allReasoning,
    delegationsSigned,
  ],
}
const stricter: Record<TrustLevel, SlicedCheck[]> = {
  quick: [someSignature, authorityKnown, delegatorsInForce],
  standard: [
    algorithmKnown,
    delegatorsInForce,
    sourceNotRevoked,
    delegationSignaturesFormed,
    delegationRuns,
    envelopeConstraintsMet,
    limitsMet,
    limitsEnforced,
  ],
  full: [
    algorithmKnown,
    delegatorsInForce,
    sourceNotRevoked,
    quorumSigned,
    quorumMet,
    delegationRuns,
    envelopeConstraintsMet,
    reasoningHolds,
    anchorsSigned,
    limitsMet,
    limitsEnforced,
  ],
}

// Not checks, but what the checks after them need: the outcomes of signatures. A chain without a capability for the
// action is denied after its state is.
async function verifySources(question: Question): Promise<undefined> {
  const { capability, signatures } = question
  await verifySignatures(capability === undefined ? [signatures.chainState()] : sourceSignatures(question))
}

async function verifyRecords(question: Question): Promise<undefined> {
  await verifySignatures([...delegationSignatures(question), ...evidenceSignatures(question)])
}

// The reference implementation verifies traces before the delegations, and only if every record has one.
function allReasoning(question: Question): Denial | undefined {
  return hasReasoning(question.chain) === true ? reasoningHolds(question) : undefined
}

function denied(
  { request }: TrustInput,
  { reason, text, ...more }: Denial,
  { explanation, remedy, cause }: Explained,
  open: UnenforcedConstraint[] = [],
): TrustVerdict {
  return {
    valid: false,
    level: request.level,
    reason,
    reasonText: text,
    explanation,
    remedy,
    cause,
    effectiveConstraints: [],
    violations: more.violations ?? [],
    unenforcedConstraints: open,
    ...defined("reasoningPresent", more.reasoningPresent),
    ...defined("reasoningVerified", more.reasoningVerified),
  }
}

function restsOn({ chain, genesis, capability }: Question): Pick<TrustVerdict, "authorityId" | "attesterId"> {
  if (capability === undefined) return {}
  return { authorityId: genesis.authorityId, attesterId: attesterOf(chain, capability) }
}

async function allowed(question: Question): Promise<TrustVerdict> {
  const { level } = question.input.request
  if (level === "quick")
    return { valid: true, level, effectiveConstraints: [], violations: [], unenforcedConstraints: [] }
  const verified = level === "full" && hasReasoning(question.chain) === true
  return {
    valid: true,
    level,
    ...defined("capabilityUsed", question.capability?.id),
    ...restsOn(question),
    effectiveConstraints: effectiveConstraints(question),
    violations: reasoningWarnings(question),
    unenforcedConstraints: await unenforced(question, await judgedLimits(question)),
    ...defined("reasoningPresent", reasoningPresent(question)),
    ...defined("reasoningVerified", verified || undefined),
  }
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
