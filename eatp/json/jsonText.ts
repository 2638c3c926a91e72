import type { Json } from "./json.js"
import { type JsonStyle, renderJson } from "./renderJson.js"

const compact: JsonStyle = {
  null: "null",
  true: "true",
  false: "false",
  comma: ",",
  colon: ":",
  string: (text) => JSON.stringify(text),
  number: (text) => text,
}

/** Writes a value as compact JSON that {@link parseJson} reads back equal: numbers as written, keys in their order. */
export function jsonText(value: Json): string {
  return renderJson(value, compact)
}
