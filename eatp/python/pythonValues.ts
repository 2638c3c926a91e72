import { byCodePoint } from "../json/codePointOrder.js"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"

/** Python would raise an exception here, so the reference implementation refuses the document. */
export class FromDictError extends Error {
  override readonly name = "FromDictError"
}

/** Python's `value[key]` for a dict; throws FromDictError for a missing key and for any other value. */
export function member(value: Json, key: string): Json {
  const found = dict(value).get(key)
  if (found === undefined) throw new FromDictError(`Missing key ${key}`)
  return found
}

/** Python's `value.get(key, default)`; throws FromDictError for anything but a dict. */
export function memberOr(value: Json, key: string, otherwise: Json): Json {
  return dict(value).get(key) ?? (dict(value).has(key) ? null : otherwise)
}

/** Python's truth of a value: null, false, zero and empty values are false. */
export function isTruthy(value: Json): boolean {
  if (value === null || typeof value === "boolean") return value === true
  if (value instanceof JsonNumber) return Number(value.text) !== 0
  return sizeOf(value) > 0
}

/** What Python's `for` iterates over: items, keys or characters; throws FromDictError for other values. */
export function itemsOf(value: Json): Json[] {
  if (Array.isArray(value)) return value
  if (value instanceof JsonObject) return [...value.keys()]
  if (typeof value === "string") return [...value]
  throw new FromDictError("Not iterable")
}

/** Python's `len`, in code points for a string; throws FromDictError for a value without length. */
export function lengthOf(value: Json): number {
  if (value === null || typeof value === "boolean" || value instanceof JsonNumber) {
    throw new FromDictError("Has no length")
  }
  return sizeOf(value)
}

/** Python's stable `sorted` by a key; throws FromDictError for keys that are not all strings or all numbers. */
export function sortedBy<Item>(items: Item[], key: (item: Item) => Json): Item[] {
  return items.length < 2 ? items : [...items].sort((a, b) => compare(key(a), key(b)))
}

function dict(value: Json): JsonObject {
  if (!(value instanceof JsonObject)) throw new FromDictError("Not a dict")
  return value
}

function sizeOf(value: string | Json[] | JsonObject): number {
  if (typeof value === "string") return codePointLength(value)
  return Array.isArray(value) ? value.length : value.size
}

/** Number of code points in a text: what Python's `len` counts. */
export function codePointLength(text: string): number {
  let pairs = 0
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) ?? 0) > 0xffff) {
      pairs++
      at++
    }
  }
  return text.length - pairs
}

function compare(a: Json, b: Json): number {
  if (typeof a === "string" && typeof b === "string") return byCodePoint(a, b)
  if (a instanceof JsonNumber && b instanceof JsonNumber) return Number(a.text) - Number(b.text)
  throw new FromDictError("Not comparable")
}
