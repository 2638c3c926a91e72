import type { ReasoningTrace } from "@trust-registry/proto"
import { REASONING_BOUNDS } from "../document/reasoningBounds.js"
import { codePointLength } from "../python/pythonValues.js"
import type { ShapeContext } from "./shapeContext.js"

/** Checks the lengths of a reasoning trace, in characters as Python counts them; evidence is checked with its JSON. */
export function checkReasoning(
  trace: ReasoningTrace | undefined,
  path: string,
  { report }: ShapeContext,
): void {
  if (trace === undefined) return
  const checkLength = (field: string, text: string, most: number) => {
    // A text has at most as many code points as UTF-16 units, whose number is known.
    if (text.length <= most) return
    const length = codePointLength(text)
    if (length > most) report(`${path}.${field}`, `has ${length} characters; at most ${most}`)
  }
  checkLength("decision", trace.decision, REASONING_BOUNDS.decision)
  checkLength("rationale", trace.rationale, REASONING_BOUNDS.rationale)
  checkLength("methodology", trace.methodology ?? "", REASONING_BOUNDS.methodology)
  const alternatives = trace.alternativesConsidered
  if (alternatives.length > REASONING_BOUNDS.alternatives) {
    const most = REASONING_BOUNDS.alternatives
    report(`${path}.alternatives_considered`, `has ${alternatives.length} items; at most ${most}`)
  }
  for (const [index, alternative] of alternatives.entries()) {
    checkLength(`alternatives_considered[${index}]`, alternative, REASONING_BOUNDS.alternative)
  }
}
