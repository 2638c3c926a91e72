import { type ConstraintEnvelope, ConstraintType } from "@trust-registry/proto"
import { type Json, JsonObject } from "../json/json.js"
import { parseJson } from "../json/parseJson.js"
import { pythonStr } from "../python/pythonStr.js"
import { itemsOf, memberOr } from "../python/pythonValues.js"
import { type ConstraintRequest, forbids } from "../rules/constraintEvaluation.js"
import { isPast } from "./moments.js"
import type { Question } from "./question.js"
import { type Denial, denial, type TrustViolation } from "./verdict.js"

/**
 * No constraint of the signed sources forbids the action: those of the genesis record and of all capabilities
 * (EATP VERIFY, STANDARD).
 */
export function signedConstraintsMet(question: Question): Denial | undefined {
  const { genesis, input } = question
  if (isPast(genesis.expiresAt, input.nowMicros)) {
    return violation([
      {
        constraint: "envelope",
        source: "envelope",
        reason: "Constraint envelope expired",
        severity: "error",
      },
    ])
  }
  return unmet(signedConstraints(question), question)
}

/**
 * No constraint of the stored envelope forbids it either: the reference implementation derives its own and
 * looks no further.
 */
export function envelopeConstraintsMet(question: Question): Denial | undefined {
  return unmet(storedConstraints(question.chain.constraintEnvelope), question)
}

/** Whether the envelope asks for reasoning traces (EATP's REASONING_REQUIRED). */
export function asksForReasoning(envelope: ConstraintEnvelope | undefined): boolean {
  return (envelope?.activeConstraints ?? []).some(
    ({ constraintType }) => constraintType === ConstraintType.REASONING_REQUIRED,
  )
}

type Sourced = { value: Json; source: string }

function signedConstraints({ chain, genesis }: Question): Sourced[] {
  const metadata = genesis.metadataJson === undefined ? new JsonObject() : parseJson(genesis.metadataJson)
  // As Python's for does: a text gives its characters, and what it cannot go through fails, which denies.
  const ofGenesis = itemsOf(memberOr(metadata, "constraints", [])).map((value) => ({
    value,
    source: "genesis",
  }))
  const ofCapabilities = chain.capabilities.flatMap(({ id, constraints }) =>
    constraints.map((value) => ({ value, source: `capability:${id}` })),
  )
  return [...ofGenesis, ...ofCapabilities]
}

function storedConstraints(envelope: ConstraintEnvelope | undefined): Sourced[] {
  return (envelope?.activeConstraints ?? []).map(({ valueJson, source }) => ({
    value: parseJson(valueJson),
    source,
  }))
}

function unmet(constraints: Sourced[], { input }: Question): Denial | undefined {
  const request: ConstraintRequest = {
    action: input.request.action,
    context: input.request.context ?? new JsonObject(),
    nowMicros: input.nowMicros,
  }
  const violations = constraints.flatMap(({ value, source }): TrustViolation[] => {
    const reason = forbids(value, request)
    return reason === undefined ? [] : [{ constraint: pythonStr(value), source, reason, severity: "error" }]
  })
  return violations.length === 0 ? undefined : violation(violations)
}

function violation(violations: TrustViolation[]): Denial {
  return denial("CONSTRAINT_VIOLATION", "Constraint violation", { violations })
}
