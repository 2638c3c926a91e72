import { type Json, JsonNumber, JsonObject } from "@trust-registry/eatp"

/**
 * Whether a JSON value contains another, by the rules of PostgreSQL's `@>` for JSONB: objects member by member, arrays in any order
 * and multiplicity, numbers by value. Takes one pass over the whole per array and object of the part, and writes no number out:
 * `1e-9000` has nine thousand digits in JSONB.
 */
export function jsonContains(whole: Json, part: Json): boolean {
  if (part instanceof JsonObject)
    return whole instanceof JsonObject && [...part].every(([key, value]) => hasMember(whole, key, value))
  if (Array.isArray(part)) return Array.isArray(whole) && hasItems(whole, part)
  return !isContainer(whole) && scalarKey(whole) === scalarKey(part)
}

function hasMember(whole: JsonObject, key: string, value: Json): boolean {
  const found = whole.get(key)
  return found !== undefined && jsonContains(found, value)
}

function hasItems(whole: Json[], part: Json[]): boolean {
  const containers = part.filter(isContainer)
  const missing = new Set(part.filter((item) => !isContainer(item)).map(scalarKey))
  for (const item of whole) {
    if (missing.size === 0) break
    if (!isContainer(item)) missing.delete(scalarKey(item))
  }
  if (missing.size > 0) return false
  return containers.every((item) => whole.some((candidate) => jsonContains(candidate, item)))
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
