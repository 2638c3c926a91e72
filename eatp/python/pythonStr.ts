import type { Json } from "../json/json.js"
import { type JsonStyle, renderJson, renderSteps } from "../json/renderJson.js"
import { isPrintable } from "./printable.js"
import { pythonNumber } from "./pythonNumber.js"

const pythonRepr: JsonStyle = {
  null: "None",
  true: "True",
  false: "False",
  comma: ", ",
  colon: ": ",
  string: pythonStringRepr,
  number: pythonNumber,
}

/**
 * Prints a JSON value as Python 3.11's `str()` prints what `json.loads` makes of it: EATP's constraint hash covers this
 * text. A string is printed as is; strings inside lists and objects are quoted as `repr` does.
 *
 * @throws CanonicalError for an integer that Python does not read (more than 4,300 digits).
 */
export function pythonStr(value: Json): string {
  return typeof value === "string" ? value : renderJson(value, pythonRepr)
}

/** The same in steps between which others may have a turn. */
export function* pythonStrSteps(value: Json): Generator<void, string> {
  return typeof value === "string" ? value : yield* renderSteps(value, pythonRepr)
}

const plainAscii = /^[ -&(-[\]-~]*$/
const shortEscapes: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** Quotes a string as Python 3.11's `repr(str)` does. */
export function pythonStringRepr(text: string): string {
  if (plainAscii.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = quote
  for (const character of text) out += character === quote ? `\\${quote}` : escaped(character)
  return out + quote
}

function escaped(character: string): string {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  if (isPrintable(code)) return character
  const hex = code.toString(16)
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`
}
