import { REASONING_BOUNDS } from "../document/reasoningBounds.js"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { JsonSyntaxError } from "../json/jsonTokens.js"
import { parseJson } from "../json/parseJson.js"
import { CanonicalError, finiteNumber } from "../python/pythonNumber.js"

/**
 * What is wrong with the text of a free-form value, undefined for valid text: it must be JSON that EATP can sign, of the
 * kind that the field with this name requires.
 */
export function jsonProblem(text: string, name: string, maxDepth: number): string | undefined {
  if (!text.isWellFormed()) return "holds a lone surrogate"
  let value: Json
  try {
    value = parseJson(text, { maxDepth })
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    return `is not JSON that EATP can sign: ${error.message}`
  }
  const suspicious = text.length > LARGEST_DOUBLE_DIGITS || hiding.test(text)
  return (suspicious ? valueProblem(value) : undefined) ?? kindProblem(value, name)
}

// Only an escape can hide a forbidden character, and only an exponent or many digits leave a double's range.
const hiding = /\\u(?:0000|[dD][89a-fA-F])|[0-9][eE]/
const LARGEST_DOUBLE_DIGITS = 308

function valueProblem(root: Json): string | undefined {
  const waiting: Json[] = [root]
  while (waiting.length > 0) {
    const value = waiting.pop() as Json
    const problem = typeof value === "string" ? textProblem(value) : numberProblem(value)
    if (problem !== undefined) return problem
    if (Array.isArray(value)) for (const item of value) waiting.push(item)
    if (value instanceof JsonObject) for (const [key, item] of value) waiting.push(key, item)
  }
  return undefined
}

/** What is wrong with a text anywhere in a chain; undefined for valid text. */
export function textProblem(text: string): string | undefined {
  if (text.includes("\0")) return "holds U+0000"
  return text.isWellFormed() ? undefined : "holds a lone surrogate"
}

function numberProblem(value: Json): string | undefined {
  if (!(value instanceof JsonNumber)) return undefined
  try {
    finiteNumber(value.text)
    return undefined
  } catch (error) {
    if (error instanceof CanonicalError) return `holds a number that EATP cannot sign: ${error.message}`
    throw error
  }
}

function kindProblem(value: Json, name: string): string | undefined {
  if (name === "value_json") return undefined
  if (name === "confidence_json") return confidenceProblem(value)
  if (name === "evidence_json") return evidenceProblem(value)
  return value === null || value instanceof JsonObject ? undefined : "must be a JSON object or null"
}

function confidenceProblem(value: Json): string | undefined {
  const confidence = value instanceof JsonNumber ? Number(value.text) : Number.NaN
  return confidence >= 0 && confidence <= 1 ? undefined : "must be a JSON number from 0 to 1"
}

function evidenceProblem(value: Json): string | undefined {
  if (!Array.isArray(value) || !value.every((item) => item instanceof JsonObject)) {
    return "must be a JSON array of objects"
  }
  const most = REASONING_BOUNDS.evidence
  return value.length > most ? `has ${value.length} items; at most ${most}` : undefined
}
