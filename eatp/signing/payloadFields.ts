import type { DescEnum } from "@bufbuild/protobuf"
import { wordOf } from "../document/words.js"
import { byCodePoint } from "../json/codePointOrder.js"
import type { Json } from "../json/json.js"
import { parseSteps } from "../json/parseJson.js"
import { parseTime } from "../time/time.js"
import { sortSteps } from "../turns/sort.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/** A time as EATP signs it, in Python's isoformat; throws SigningPayloadError for text that is not a time. */
export function timeField(text: string): string {
  const time = parseTime(text)
  if (time === undefined) throw new SigningPayloadError("unsignable", `Invalid isoformat string: '${text}'`)
  return time.isoformat
}

/** An optional time as EATP signs it; null if unset. */
export function optionalTimeField(text: string | undefined): string | null {
  return text === undefined ? null : timeField(text)
}

/** Texts sorted by code point, duplicates kept: how EATP signs lists whose order has no meaning. */
export function sortedField(texts: readonly string[]): Generator<void, string[]> {
  return sortSteps(texts, byCodePoint)
}

/** EATP's word for an enum number; throws SigningPayloadError for a number without one. */
export function wordField(desc: DescEnum, number: number): string {
  const word = wordOf(desc, number)
  if (word === undefined) throw new SigningPayloadError("unsignable", `${desc.name} has no number ${number}`)
  return word
}

/** A free-form value, or EATP's default for an unset one. Throws JsonSyntaxError for text that is not JSON. */
export function* jsonField(text: string | undefined, unset: Json): Generator<void, Json> {
  return text === undefined ? unset : yield* parseSteps(text)
}
