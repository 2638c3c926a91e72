import { type ConstraintEnvelope, ConstraintType } from "@trust-registry/proto"
import { type Json, JsonObject } from "../json/json.js"
import { parseSteps } from "../json/parseJson.js"
import { pythonStr, pythonStrSteps } from "../python/pythonStr.js"
import { type ConstraintRequest, forbids, isEvaluated } from "../rules/constraintEvaluation.js"
import { isRecordExpired } from "../rules/expiry.js"
import { inTurns } from "../turns/turns.js"
import { violation } from "./constraintViolation.js"
import { ownGenesisConstraints } from "./genesisConstraints.js"
import type { Question } from "./question.js"
import type { Denial, TrustViolation } from "./verdict.js"

/**
 * No signed constraint forbids the action: neither the genesis record's nor those of any capability (EATP VERIFY,
 * STANDARD).
 */
export async function signedConstraintsMet(question: Question): Promise<Denial | undefined> {
  const { genesis, input } = question
  if (isRecordExpired(genesis, input.nowMicros)) {
    return violation([{ ...ENVELOPE_EXPIRED, severity: "error" }])
  }
  return await unmet(question, signedConstraints)
}

/** No constraint of the stored envelope forbids the action; the reference implementation ignores that envelope. */
export async function envelopeConstraintsMet(question: Question): Promise<Denial | undefined> {
  return await unmet(question, storedConstraints)
}

/** A constraint, and whether it forbids the action. */
export type ConstraintFinding = {
  /** As text: a constraint as it stands, a member of an object or scope as `name=value`. */
  constraint: string
  /** The record that sets it: `genesis`, `capability:<id>`, `delegation:<id>`, `envelope`, or what the envelope names. */
  source: string
  /** Why it forbids the action; unset if it does not. */
  reason?: string
  /** Whether a rule judged it; one that was not judged forbids nothing by itself. */
  evaluated: boolean
  /** Whether the caller heeds it; unset: no. */
  heeded?: boolean
  /** What a rule would need to judge it; unset: it was judged, or there is no rule for it. */
  needs?: string
}

/** Every constraint that VERIFY evaluates, signed or in the stored envelope, distinct per source; those without a rule too. */
export async function constraintFindings(question: Question): Promise<ConstraintFinding[]> {
  const { genesis, input } = question
  const request = requestOf(question)
  const findings: ConstraintFinding[] = []
  if (isRecordExpired(genesis, input.nowMicros)) findings.push({ ...ENVELOPE_EXPIRED, evaluated: true })
  const find = function* ({ value, source }: Sourced) {
    // The members of an object are limits, each on its own.
    if (value instanceof JsonObject) return
    const constraint = yield* pythonStrSteps(value)
    const reason = forbids(value, request)
    findings.push({
      constraint,
      source,
      evaluated: isEvaluated(value),
      ...(reason === undefined ? {} : { reason }),
    })
  }
  await inTurns(signedConstraints(question, find))
  await inTurns(storedConstraints(question, find))
  return findings
}

/** Whether the envelope requires reasoning traces (EATP's REASONING_REQUIRED). */
export function requiresReasoning(envelope: ConstraintEnvelope | undefined): boolean {
  return (envelope?.activeConstraints ?? []).some(
    ({ constraintType }) => constraintType === ConstraintType.REASONING_REQUIRED,
  )
}

// After how many constraints others may have a turn; each takes some microseconds.
const PER_STEP = 128

const ENVELOPE_EXPIRED = {
  constraint: "envelope",
  source: "envelope",
  reason: "Constraint envelope expired",
}

const NO_STEPS: Iterable<void> = []

type Sourced = { value: Json; source: string }

// What is done with a constraint, in steps.
type Visit = (constraint: Sourced) => Iterable<void>

function* signedConstraints(question: Question, visit: Visit): Generator<void, void> {
  let visited = 0
  for (const value of yield* ownGenesisConstraints(question)) {
    yield* visit({ value, source: "genesis" })
    if (++visited % PER_STEP === 0) yield
  }
  for (const { id, constraints } of question.chain.capabilities)
    for (const value of constraints) {
      yield* visit({ value, source: `capability:${id}` })
      if (++visited % PER_STEP === 0) yield
    }
}

function* storedConstraints({ chain }: Question, visit: Visit): Generator<void, void> {
  let visited = 0
  for (const { valueJson, source } of chain.constraintEnvelope?.activeConstraints ?? []) {
    yield* visit({ value: yield* parseSteps(valueJson), source: source || "envelope" })
    if (++visited % PER_STEP === 0) yield
  }
}

/** What the constraints of a question are evaluated for. */
export function requestOf({ input }: Question): ConstraintRequest {
  const { action, context = new JsonObject() } = input.request
  return { action, context, nowMicros: input.nowMicros }
}

async function unmet(
  question: Question,
  constraints: (question: Question, visit: Visit) => Generator<void, void>,
): Promise<Denial | undefined> {
  const request = requestOf(question)
  const violations: TrustViolation[] = []
  const judge = ({ value, source }: Sourced) => {
    const reason = forbids(value, request)
    if (reason !== undefined)
      violations.push({ constraint: pythonStr(value), source, reason, severity: "error" })
    return NO_STEPS
  }
  await inTurns(constraints(question, judge))
  return violations.length === 0 ? undefined : violation(violations)
}
