import { byCodePoint } from "../json/codePointOrder.js"
import type { Json } from "../json/json.js"
import { type JsonStyle, renderJson, renderSteps } from "../json/renderJson.js"
import { CanonicalError, finiteNumber } from "../python/pythonNumber.js"

const insertionOrder: JsonStyle = {
  null: "null",
  true: "true",
  false: "false",
  comma: ",",
  colon: ":",
  string: asciiString,
  number: finiteNumber,
}
const signing: JsonStyle = { ...insertionOrder, order: byCodePoint }
const delegate: JsonStyle = { ...signing, string: wellFormedString }

/**
 * EATP's canonical JSON (`serialize_for_signing`): keys by code point, no white space, ASCII, numbers as Python prints
 * them. Records are signed and hashed over these bytes.
 *
 * @throws CanonicalError for a number that has no such form (see pythonNumber).
 */
export function canonicalJson(value: Json): string {
  return typeof value === "string" ? asciiString(value) : renderJson(value, signing)
}

/** The same for a large value, in steps between which others may have a turn. */
export function canonicalSteps(value: Json): Generator<void, string> {
  return renderSteps(value, signing)
}

/**
 * The same text with keys in insertion order: how Python's `json.dumps` writes a chain's `to_dict`, compact.
 *
 * @throws CanonicalError as {@link canonicalJson} does.
 */
export function pythonJson(value: Json): string {
  return renderJson(value, insertionOrder)
}

/**
 * The encoder of engine delegations (`canonical_json_dumps`): as {@link canonicalJson}, but non-ASCII characters are
 * not escaped.
 *
 * @throws CanonicalError as {@link canonicalJson} does, and for a lone surrogate.
 */
export function delegateCanonicalJson(value: Json): string {
  return renderJson(value, delegate)
}

/** Writes a JSON string that is well-formed Unicode with the fewest escapes, as RFC 8785 does. */
export function wellFormedString(text: string): string {
  if (!text.isWellFormed()) throw new CanonicalError("A lone surrogate has no UTF-8 form")
  return JSON.stringify(text)
}

const plain = /^[ !#-[\]-~]*$/
const beyondAscii = /[\x7f-\uffff]/g

function asciiString(text: string): string {
  if (plain.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(beyondAscii, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
}
