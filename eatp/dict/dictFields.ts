import type { Json } from "../json/json.js"
import { FromDictError, isTruthy } from "../python/pythonValues.js"
import { parseTime } from "../time/time.js"

/** The time of a record as `to_dict` writes it; throws FromDictError for a value that is not a time. */
export function timeDict(value: Json): string {
  const time = typeof value === "string" ? parseTime(value) : undefined
  if (time === undefined) throw new FromDictError("Not a time")
  return time.isoformat
}

/** An optional time of a record; null for any value that is false in Python. */
export function optionalTimeDict(value: Json): string | null {
  return isTruthy(value) ? timeDict(value) : null
}

/** One of EATP's words, verbatim; throws FromDictError for other values. */
export function wordDict(value: Json, words: readonly string[]): string {
  if (typeof value !== "string" || !words.includes(value)) throw new FromDictError("Not a known word")
  return value
}
