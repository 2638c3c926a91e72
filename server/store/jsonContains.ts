import { type Json, JsonNumber, JsonObject } from "@trust-registry/eatp"

/**
 * Whether a JSON value contains another as PostgreSQL's `@>` of JSONB understands it: objects member by member, arrays in any
 * order and number, numbers by value. Both as JSONB writes them: it has no exponents, and each key once.
 */
export function jsonContains(whole: Json, part: Json): boolean {
  if (part instanceof JsonObject)
    return whole instanceof JsonObject && [...part].every(([key, value]) => hasMember(whole, key, value))
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((item) => hasItem(whole, item))
  if (part instanceof JsonNumber) return whole instanceof JsonNumber && digitsOf(whole) === digitsOf(part)
  return whole === part
}

function hasMember(whole: JsonObject, key: string, value: Json): boolean {
  const found = whole.get(key)
  return found !== undefined && jsonContains(found, value)
}

function hasItem(whole: Json[], item: Json): boolean {
  return whole.some((candidate) => jsonContains(candidate, item))
}

/** The same for 1, 1.0 and 1.00. */
function digitsOf({ text }: JsonNumber): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text
}
