import type { ConstraintFinding, UnenforcedConstraint } from "@trust-registry/proto"

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

/** The line for a constraint that nobody enforces. */
export function unenforcedLine({
  constraint,
  source,
  needs,
}: Pick<UnenforcedConstraint, "constraint" | "source" | "needs">) {
  return `not enforced ${constraint} (${source})${needs && `: a rule needs ${needs}`}`
}

/** Lines for the constraints of an answer: each once, with all records that set it, and what is known of it. */
export function* constraintLines(answer: {
  effectiveConstraints: readonly string[]
  constraintsMet: readonly ConstraintFinding[]
  constraintsUnmet: readonly ConstraintFinding[]
  unenforcedConstraints: readonly UnenforcedConstraint[]
}): Iterable<string> {
  const { effectiveConstraints, constraintsMet, constraintsUnmet, unenforcedConstraints } = answer
  for (const { constraint, source, reason } of constraintsUnmet)
    yield `unmet ${constraint} (${source}): ${reason}`
  for (const constraint of unenforcedConstraints) yield unenforcedLine(constraint)
  const found = new Map<string, ConstraintFinding[]>()
  for (const finding of constraintsMet)
    found.set(finding.constraint, [...(found.get(finding.constraint) ?? []), finding])
  const textsOf = (list: readonly { constraint: string }[]) =>
    new Set(list.map(({ constraint }) => constraint))
  const [unmet, unenforced] = [textsOf(constraintsUnmet), textsOf(unenforcedConstraints)]
  for (const constraint of tightestFirst([...effectiveConstraints, ...found.keys()])) {
    const findings = found.get(constraint)
    const sources = findings?.map(({ source }) => source).join(", ")
    if (unenforced.has(constraint)) continue
    if (findings) yield `${wordOf(findings)} ${constraint} (${sources})`
    else if (!unmet.has(constraint)) yield `constraint ${constraint}`
  }
}

function wordOf(findings: readonly ConstraintFinding[]): string {
  if (findings.some(({ evaluated, heeded }) => heeded && !evaluated)) return "heeded"
  return findings.some(({ evaluated }) => evaluated) ? "met" : "not evaluated"
}
