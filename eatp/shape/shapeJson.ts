import { REASONING_BOUNDS } from "../document/reasoningBounds.js"
import { JsonSyntaxError } from "../json/jsonTokens.js"
import { type JsonScan, scanSteps } from "../json/scanJson.js"
import { CanonicalError, finiteNumber } from "../python/pythonNumber.js"
import { atOnce } from "../turns/turns.js"

/**
 * What is wrong with the text of a free-form value, undefined for valid text: it must be JSON that EATP can sign, of the
 * kind that the field with this name requires, and have no more values than that, all inner ones counted.
 */
export function jsonProblem(
  text: string,
  name: string,
  maxDepth: number,
  maxValues?: number,
): string | undefined {
  return atOnce(jsonProblemSteps(text, name, maxDepth, maxValues))
}

/** The same, with steps between which others may have a turn. */
export function* jsonProblemSteps(
  text: string,
  name: string,
  maxDepth: number,
  maxValues = Number.POSITIVE_INFINITY,
): Generator<void, string | undefined> {
  if (!text.isWellFormed()) return "holds a lone surrogate"
  let problem: string | undefined
  const visitor = {
    escaped: (value: string) => {
      problem ??= textProblem(value)
    },
    number: (value: string) => {
      problem ??= numberProblem(value)
    },
  }
  try {
    const scan = yield* scanSteps(text, maxDepth, visitor, maxValues)
    if (scan.values > maxValues) return `has more values than the ${maxValues} that are allowed`
    return problem ?? kindProblem(scan, text, name)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    return `is not JSON that EATP can sign: ${error.message}`
  }
}

/** What is wrong with a text anywhere in a chain; undefined for valid text. */
export function textProblem(text: string): string | undefined {
  if (text.includes("\0")) return "holds U+0000"
  return text.isWellFormed() ? undefined : "holds a lone surrogate"
}

function numberProblem(text: string): string | undefined {
  // Python's limit is on the digits of integers; all other numbers are doubles.
  if (/[.eE]/.test(text) && Number.isFinite(Number(text))) return undefined
  try {
    finiteNumber(text)
    return undefined
  } catch (error) {
    if (error instanceof CanonicalError) return `holds a number that EATP cannot sign: ${error.message}`
    throw error
  }
}

function kindProblem({ root, items, objects }: JsonScan, text: string, name: string): string | undefined {
  if (name === "value_json") return undefined
  if (name === "confidence_json") return root === "number" ? confidenceProblem(Number(text)) : NO_CONFIDENCE
  if (name !== "evidence_json")
    return root === "null" || root === "object" ? undefined : "must be a JSON object or null"
  if (root !== "array" || objects < items) return "must be a JSON array of objects"
  const most = REASONING_BOUNDS.evidence
  return items > most ? `has ${items} items; at most ${most}` : undefined
}

const NO_CONFIDENCE = "must be a JSON number from 0 to 1"

function confidenceProblem(confidence: number): string | undefined {
  return confidence >= 0 && confidence <= 1 ? undefined : NO_CONFIDENCE
}
