import type { Json } from "../json/json.js"
import { JsonSyntaxError } from "../json/jsonTokens.js"
import { parseJson } from "../json/parseJson.js"
import { coverOf } from "./resourcePattern.js"

/** The texts of a list: of JSON, or of a text with a comma, semicolon, bar or space between them. Undefined for anything else. */
export function listOf(value: Json): string[] | undefined {
  if (Array.isArray(value)) return value.every((item) => typeof item === "string") ? value : undefined
  if (typeof value !== "string") return undefined
  if (value.startsWith("[")) return listOfJson(value)
  const texts = value.split(/[,;|\s]+/).filter(Boolean)
  return texts.length === 0 ? undefined : texts
}

/** Whether a text is one of several, in which a star stands for any text. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text))
}

/** Why a resource is outside of some patterns (see {@link coverOf}); undefined if it is not. */
export function outsideResources(
  patterns: readonly string[],
  resource: string,
): { reason: string } | undefined {
  // A path that goes up again may lead out of what a pattern covers.
  const goesUp = /(^|[/\\])\.{1,2}([/\\]|$)/.test(resource)
  const covered = goesUp ? patterns.includes(resource) : coverOf(patterns, STEPS)(resource)
  return covered === true ? undefined : { reason: `Resource '${resource}' is not among those allowed` }
}

// What one list may take, some tenths of a millisecond: a chain may have thousands. What takes longer is not covered.
const STEPS = 100_000

function listOfJson(text: string): string[] | undefined {
  try {
    const value = parseJson(text)
    return Array.isArray(value) ? listOf(value) : undefined
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined
    throw error
  }
}

function matches(pattern: string, text: string): boolean {
  const [start = "", ...rest] = pattern.split("*")
  const end = rest.pop()
  if (end === undefined) return pattern === text
  let at = start.length
  if (!text.startsWith(start)) return false
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length >= at + end.length && text.endsWith(end)
}
