import { type Json, JsonNumber, JsonObject } from "@trust-registry/eatp"

/** After how many items others may have a turn. */
const ITEMS_PER_STEP = 4_096

/**
 * Whether a JSON value contains another, by the rules of PostgreSQL's `@>` for JSONB: objects member by member, arrays in any order
 * and multiplicity, numbers by value. Takes one pass over the whole per array and object of the part, and writes no number out:
 * `1e-9000` has nine thousand digits in JSONB. Has steps between which others may have a turn.
 */
export function* containsSteps(whole: Json, part: Json): Generator<void, boolean> {
  if (part instanceof JsonObject) return whole instanceof JsonObject && (yield* hasMembers(whole, part))
  if (Array.isArray(part)) return Array.isArray(whole) && (yield* hasItems(whole, part))
  return !isContainer(whole) && scalarKey(whole) === scalarKey(part)
}

function* hasMembers(whole: JsonObject, part: JsonObject): Generator<void, boolean> {
  for (const [key, value] of part) {
    const found = whole.get(key)
    if (found === undefined || !(yield* containsSteps(found, value))) return false
  }
  return true
}

function* hasItems(whole: Json[], part: Json[]): Generator<void, boolean> {
  const missing = new Set(part.filter((item) => !isContainer(item)).map(scalarKey))
  for (const [place, item] of whole.entries()) {
    if (missing.size === 0) break
    if (place % ITEMS_PER_STEP === 0) yield
    if (!isContainer(item)) missing.delete(scalarKey(item))
  }
  if (missing.size > 0) return false
  for (const item of part) if (isContainer(item) && !(yield* hasContainer(whole, item))) return false
  return true
}

function* hasContainer(whole: Json[], item: Json): Generator<void, boolean> {
  for (const [place, candidate] of whole.entries()) {
    if (place % ITEMS_PER_STEP === 0) yield
    if (isContainer(candidate) && (yield* containsSteps(candidate, item))) return true
  }
  return false
}

function isContainer(value: Json): boolean {
  return Array.isArray(value) || value instanceof JsonObject
}

/** A key that is equal for equal scalars. */
function scalarKey(value: Json): string {
  if (value instanceof JsonNumber) return numberKey(value.text)
  return typeof value === "string" ? `"${value}` : String(value)
}

/** A key that is equal for 1, 1.0 and 10e-1: the significant digits and their exponent. */
function numberKey(text: string): string {
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? []
  const digits = integer + fraction
  let start = 0
  let end = digits.length
  while (start < end && digits[start] === "0") start++
  while (end > start && digits[end - 1] === "0") end--
  if (start === end) return "0"
  return `${sign}${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
