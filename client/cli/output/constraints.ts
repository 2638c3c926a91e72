import type { ConstraintFinding } from "@trust-registry/proto"

/** Constraints, each once, as they stand; of one name with several numbers the smallest first, which is the tightest. */
export function tightestFirst(constraints: readonly string[]): string[] {
  const limits = [...new Set(constraints)].map((text) => ({ text, name: text, limit: 0, ...limitIn(text) }))
  const sorted = limits.sort((a, b) => (a.name === b.name ? a.limit - b.limit : a.name < b.name ? -1 : 1))
  return sorted.map(({ text }) => text)
}

/** As EATP reads a limit: NAME=NUMBER. */
function limitIn(text: string): { name: string; limit: number } | undefined {
  const [, name, limit] = /^([^=]+?)\s*=\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.exec(text) ?? []
  return name === undefined ? undefined : { name, limit: Number(limit) }
}

/** Lines for the constraints of an answer: each once, with all records that set it, and what is known of it. */
export function* constraintLines(answer: {
  effectiveConstraints: readonly string[]
  constraintsMet: readonly ConstraintFinding[]
  constraintsUnmet: readonly ConstraintFinding[]
}): Iterable<string> {
  const { effectiveConstraints, constraintsMet, constraintsUnmet } = answer
  for (const { constraint, source, reason } of constraintsUnmet)
    yield `unmet ${constraint} (${source}): ${reason}`
  const found = new Map<string, ConstraintFinding[]>()
  for (const finding of constraintsMet)
    found.set(finding.constraint, [...(found.get(finding.constraint) ?? []), finding])
  const unmet = new Set(constraintsUnmet.map(({ constraint }) => constraint))
  for (const constraint of tightestFirst([...effectiveConstraints, ...found.keys()])) {
    const findings = found.get(constraint)
    const sources = findings?.map(({ source }) => source).join(", ")
    if (findings) yield `${findings[0]?.evaluated ? "met" : "not evaluated"} ${constraint} (${sources})`
    else if (!unmet.has(constraint)) yield `constraint ${constraint}`
  }
}
