import { openHeeds } from "../rules/heeds.js"
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
  const isHeeded = openHeeds(question.input.request.heeds ?? [])
  const found = new Map<string, ConstraintFinding>()
  const add = (finding: ConstraintFinding) => found.set(`${finding.source}\0${finding.constraint}`, finding)
  for (const finding of await constraintFindings(question)) add(finding)
  const outcomeOf = ({ limit, judgement }: JudgedLimit) => `${judgement.state}\0${limit.text}`
  const known = new Set(own.map(outcomeOf))
  for (const { limit, source, judgement } of [...own, ...above.filter((one) => !known.has(outcomeOf(one)))])
    add({
      constraint: limit.text,
      source,
      evaluated: judgement.state !== "unenforced",
      ...(judgement.state === "unmet" ? { reason: judgement.reason } : {}),
      ...(judgement.state === "unenforced" && judgement.needs !== "" ? { needs: judgement.needs } : {}),
      ...(isHeeded(limit) ? { heeded: true } : {}),
    })
  return [...found.values()]
}
