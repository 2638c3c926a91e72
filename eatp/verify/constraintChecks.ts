import { type ConstraintEnvelope, ConstraintType } from "@trust-registry/proto"
import { type Json, JsonObject } from "../json/json.js"
import { parseJson } from "../json/parseJson.js"
import { pythonStr } from "../python/pythonStr.js"
import { itemsOf, memberOr } from "../python/pythonValues.js"
import { type ConstraintRequest, forbids, isEvaluated } from "../rules/constraintEvaluation.js"
import { isPast } from "./moments.js"
import type { Question } from "./question.js"
import { eachInTurns } from "./turns.js"
import { type Denial, denial, type TrustViolation } from "./verdict.js"

/**
 * No constraint of the signed sources forbids the action: those of the genesis record and of all capabilities
 * (EATP VERIFY, STANDARD).
 */
export async function signedConstraintsMet(question: Question): Promise<Denial | undefined> {
  const { genesis, input } = question
  if (isPast(genesis.expiresAt, input.nowMicros)) {
    return violation([{ ...ENVELOPE_EXPIRED, severity: "error" }])
  }
  return await unmet(signedConstraints(question), question)
}

/**
 * No constraint of the stored envelope forbids it either: the reference implementation derives its own and
 * looks no further.
 */
export async function envelopeConstraintsMet(question: Question): Promise<Denial | undefined> {
  return await unmet(storedConstraints(question.chain.constraintEnvelope), question)
}

/** A constraint that was looked at, and what came of it. */
export type ConstraintFinding = {
  /** Its value as text. */
  constraint: string
  /** Where it comes from: `genesis`, `capability:<id>`, `envelope`, or what the envelope names. */
  source: string
  /** Why it forbids the action; unset: it does not. */
  reason?: string
  /** Whether EATP has a rule for it; it permits what it has none for. */
  evaluated: boolean
}

/** Every constraint that VERIFY looks at, signed or in the stored envelope, each once for each source. */
export async function constraintFindings(question: Question): Promise<ConstraintFinding[]> {
  const { chain, genesis, input } = question
  const request = requestOf(question)
  const findings = new Map<string, ConstraintFinding>()
  if (isPast(genesis.expiresAt, input.nowMicros)) findings.set("", { ...ENVELOPE_EXPIRED, evaluated: true })
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

/** Whether the envelope asks for reasoning traces (EATP's REASONING_REQUIRED). */
export function asksForReasoning(envelope: ConstraintEnvelope | undefined): boolean {
  return (envelope?.activeConstraints ?? []).some(
    ({ constraintType }) => constraintType === ConstraintType.REASONING_REQUIRED,
  )
}

// As many constraints are looked at before others have their turn; each takes some microseconds.
const SLICE = 1_000

const ENVELOPE_EXPIRED = {
  constraint: "envelope",
  source: "envelope",
  reason: "Constraint envelope expired",
}

type Sourced = { value: Json; source: string }

function* signedConstraints({ chain, genesis }: Question): Iterable<Sourced> {
  const metadata = genesis.metadataJson === undefined ? new JsonObject() : parseJson(genesis.metadataJson)
  // As Python's for does: a text gives its characters, and what it cannot go through fails, which denies.
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
  return denial("CONSTRAINT_VIOLATION", "Constraint violation", { violations })
}
