import { type Json, JsonNumber } from "../json/json.js"

/** The number that a limit names, as its text: a JSON number, or text that is one in plain ASCII digits. Undefined for any other value. */
export function limitNumber(value: Json): string | undefined {
  const text = value instanceof JsonNumber ? value.text : value
  if (typeof text !== "string" || !PLAIN.test(text)) return undefined
  return Number.isFinite(Number(text)) ? text : undefined
}

/** Whether a number is larger than another; both as {@link limitNumber} gives them. Whole numbers are compared exactly. */
export function exceeds(own: string, limit: string): boolean {
  if (WHOLE.test(own) && WHOLE.test(limit)) return BigInt(own) > BigInt(limit)
  return Number(own) > Number(limit)
}

const PLAIN = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i
const WHOLE = /^-?\d+$/
