import type { DescEnum } from "@bufbuild/protobuf"
import { wordOf } from "../document/words.js"
import { byCodePoint } from "../json/codePointOrder.js"
import type { Json } from "../json/json.js"
import { parseJson } from "../json/parseJson.js"
import { parseTime } from "../time/time.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/**
 * A time as EATP signs it: Python's isoformat of what the text says; throws SigningPayloadError if that is no
 * time.
 */
export function timeField(text: string): string {
  const time = parseTime(text)
  if (time === undefined) throw new SigningPayloadError("unsignable", `Invalid isoformat string: '${text}'`)
  return time.isoformat
}

/** A time that may be unset; null then. */
export function optionalTimeField(text: string | undefined): string | null {
  return text === undefined ? null : timeField(text)
}

/**
 * Texts in the order of their code points, repeated ones kept: how EATP signs lists whose order means
 * nothing.
 */
export function sortedField(texts: readonly string[]): string[] {
  return [...texts].sort(byCodePoint)
}

/** An enum number as EATP's word; throws SigningPayloadError for a number without one. */
export function wordField(desc: DescEnum, number: number): string {
  const word = wordOf(desc, number)
  if (word === undefined) throw new SigningPayloadError("unsignable", `${desc.name} has no number ${number}`)
  return word
}

/**
 * A free-form value; what EATP takes for an unset one is told. Throws JsonSyntaxError for text that is no
 * JSON.
 */
export function jsonField(text: string | undefined, unset: Json): Json {
  return text === undefined ? unset : parseJson(text)
}
