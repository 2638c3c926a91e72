import { type ConstraintEnvelope, ConstraintType } from "@trust-registry/proto"
import { type Json, JsonObject } from "../json/json.js"
import { parseJson } from "../json/parseJson.js"
import { pythonStr } from "../python/pythonStr.js"
import { itemsOf, memberOr } from "../python/pythonValues.js"
import { type ConstraintRequest, forbids, isEvaluated } from "../rules/constraintEvaluation.js"
import { isRecordExpired } from "../rules/expiry.js"
import { eachInTurns } from "../turns/turns.js"
import type { Question } from "./question.js"
import { type Denial, denial, type TrustViolation } from "./verdict.js"

/**
 * No signed constraint forbids the action: neither the genesis record's nor those of any capability (EATP VERIFY,
 * STANDARD).
 */
export async function signedConstraintsMet(question: Question): Promise<Denial | undefined> {
  const { genesis, input } = question
  if (isRecordExpired(genesis, input.nowMicros)) {
    return violation([{ ...ENVELOPE_EXPIRED, severity: "error" }])
  }
  return await unmet(signedConstraints(question), question)
}

/** No constraint of the stored envelope forbids the action; the reference implementation ignores that envelope. */
export async function envelopeConstraintsMet(question: Question): Promise<Denial | undefined> {
  return await unmet(storedConstraints(question.chain.constraintEnvelope), question)
}

/** A constraint, and whether it forbids the action. */
export type ConstraintFinding = {
  /** Its value as text. */
  constraint: string
  /** Where it comes from: `genesis`, `capability:<id>`, `envelope`, or the source that the envelope names. */
  source: string
  /** Why it forbids the action; unset if it does not. */
  reason?: string
  /** Whether EATP has a rule for it; a constraint without a rule forbids nothing. */
  evaluated: boolean
}

/** Every constraint that VERIFY evaluates, signed or in the stored envelope, distinct per source. */
export async function constraintFindings(question: Question): Promise<ConstraintFinding[]> {
  const { chain, genesis, input } = question
  const request = requestOf(question)
  const findings = new Map<string, ConstraintFinding>()
  if (isRecordExpired(genesis, input.nowMicros)) findings.set("", { ...ENVELOPE_EXPIRED, evaluated: true })
  const find = ({ value, source }: Sourced) => {
    const constraint = pythonStr(value)
    const reason = forbids(value, request)
    const finding = { constraint, source, evaluated: isEvaluated(value) }
    findings.set(`${source}\0${constraint}`, reason === undefined ? finding : { ...finding, reason })
  }
  await eachInTurns(signedConstraints(question), SLICE, find)
  await eachInTurns(storedConstraints(chain.constraintEnvelope), SLICE, find)
  return [...findings.values()]
}

/** Whether the envelope requires reasoning traces (EATP's REASONING_REQUIRED). */
export function requiresReasoning(envelope: ConstraintEnvelope | undefined): boolean {
  return (envelope?.activeConstraints ?? []).some(
    ({ constraintType }) => constraintType === ConstraintType.REASONING_REQUIRED,
  )
}

// Constraints evaluated per turn of the event loop; each takes some microseconds.
const SLICE = 1_000

const ENVELOPE_EXPIRED = {
  constraint: "envelope",
  source: "envelope",
  reason: "Constraint envelope expired",
}

type Sourced = { value: Json; source: string }

function* signedConstraints({ chain, genesis }: Question): Iterable<Sourced> {
  const metadata = genesis.metadataJson === undefined ? new JsonObject() : parseJson(genesis.metadataJson)
  // As Python's for does: a string yields its characters, and what is not iterable throws, which denies.
  for (const value of itemsOf(memberOr(metadata, "constraints", []))) yield { value, source: "genesis" }
  for (const { id, constraints } of chain.capabilities)
    for (const value of constraints) yield { value, source: `capability:${id}` }
}

function* storedConstraints(envelope: ConstraintEnvelope | undefined): Iterable<Sourced> {
  for (const { valueJson, source } of envelope?.activeConstraints ?? [])
    yield { value: parseJson(valueJson), source }
}

function requestOf({ input }: Question): ConstraintRequest {
  const { action, context = new JsonObject() } = input.request
  return { action, context, nowMicros: input.nowMicros }
}

async function unmet(constraints: Iterable<Sourced>, question: Question): Promise<Denial | undefined> {
  const request = requestOf(question)
  const violations: TrustViolation[] = []
  await eachInTurns(constraints, SLICE, ({ value, source }) => {
    const reason = forbids(value, request)
    if (reason !== undefined)
      violations.push({ constraint: pythonStr(value), source, reason, severity: "error" })
  })
  return violations.length === 0 ? undefined : violation(violations)
}

function violation(violations: TrustViolation[]): Denial {
  const [first] = violations
  const facts = first && { detail: `${first.constraint} (${first.source}): ${first.reason}` }
  return denial("CONSTRAINT_VIOLATION", "Constraint violation", { violations, ...(facts && { facts }) })
}
