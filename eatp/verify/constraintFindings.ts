import { openHeeds } from "../rules/heeds.js"
import { inTurns } from "../turns/turns.js"
import type { JudgedLimit } from "./bindingLimit.js"
import { type ConstraintFinding, constraintFindings } from "./constraintChecks.js"
import type { Question } from "./question.js"

/**
 * Every constraint that VERIFY evaluates or that binds what the agent wants to do, distinct per source. Of the limits that come from
 * above only those that the agent's own chain does not have with the same outcome: most are passed on.
 */
export async function findingsOf(
  question: Question,
  own: readonly JudgedLimit[],
  above: readonly JudgedLimit[] = [],
): Promise<ConstraintFinding[]> {
  return await inTurns(findingSteps(question, await constraintFindings(question), own, above))
}

function* findingSteps(
  { input }: Question,
  evaluated: readonly ConstraintFinding[],
  own: readonly JudgedLimit[],
  above: readonly JudgedLimit[],
): Generator<void, ConstraintFinding[]> {
  const isHeeded = openHeeds(input.request.heeds ?? [])
  const found = new Map<string, ConstraintFinding>()
  const known = new Set<string>()
  const add = (finding: ConstraintFinding) => found.set(`${finding.source}\0${finding.constraint}`, finding)
  const addLimit = (judged: JudgedLimit) => add(findingOf(judged, isHeeded))
  for (const finding of evaluated) {
    add(finding)
    yield
  }
  for (const judged of own) {
    known.add(outcomeOf(judged))
    addLimit(judged)
    yield
  }
  for (const judged of above) {
    if (!known.has(outcomeOf(judged))) addLimit(judged)
    yield
  }
  return [...found.values()]
}

function outcomeOf({ limit, judgement }: JudgedLimit): string {
  return `${judgement.state}\0${limit.text}`
}

function findingOf(
  { limit, source, judgement }: JudgedLimit,
  isHeeded: ReturnType<typeof openHeeds>,
): ConstraintFinding {
  return {
    constraint: limit.text,
    source,
    evaluated: judgement.state !== "unenforced",
    ...(judgement.state === "unmet" ? { reason: judgement.reason } : {}),
    ...(judgement.state === "unenforced" && judgement.needs !== "" ? { needs: judgement.needs } : {}),
    ...(isHeeded(limit) ? { heeded: true } : {}),
  }
}
