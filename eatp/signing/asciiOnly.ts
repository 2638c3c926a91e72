import { type Json, JsonObject } from "../json/json.js"
import { pythonStringRepr } from "../python/pythonStr.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/**
 * Refuses non-ASCII characters in what the engines sign: EATP pins no bytes for them (EATP 5.3). Does not check keys,
 * which are our literals. Throws SigningPayloadError with the reference implementation's message for the first text.
 */
export function refuseNonAscii(value: Json, path: string): void {
  if (typeof value === "string") refuseText(value, path)
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseNonAscii(item, `${path}[${index}]`)
  } else if (value instanceof JsonObject) {
    for (const [key, item] of value) refuseNonAscii(item, `${path}.${key}`)
  }
}

const ascii = /^\p{ASCII}*$/u

function refuseText(text: string, path: string): void {
  if (ascii.test(text)) return
  throw new SigningPayloadError(
    "unsignable",
    `non-ASCII content in signed string field at ${path}: ${pythonStringRepr(text)} — the cross-SDK pre-image byte ` +
      "contract has no pinned non-ASCII vector yet (future lockstep item); reject rather than emit un-verified bytes",
  )
}
