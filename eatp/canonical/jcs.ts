import { type Json, JsonObject } from "../json/json.js"
import { type JsonStyle, renderJson } from "../json/renderJson.js"
import { CanonicalError, finiteNumber } from "../python/pythonNumber.js"
import { wellFormedString } from "./canonical.js"

/** Bounds of what {@link jcs} takes, the same as in the reference implementation's `_jcs.py`. */
export const JCS_BOUNDS = { depth: 50, nodes: 100_000, children: 500, stringBytes: 10_000_000 } as const

const rfc8785: JsonStyle = {
  null: "null",
  true: "true",
  false: "false",
  comma: ",",
  colon: ":",
  string: wellFormedString,
  number: ecmaScriptNumber,
  order: byUtf16,
}

/**
 * RFC 8785 (JCS) text of a value, as EATP hashes outside subjects: ECMAScript's numbers, but integers exact at any size;
 * keys by UTF-16 unit. Never used for chain records.
 *
 * @throws CanonicalError for a lone surrogate, a number beyond a double, or a value over {@link JCS_BOUNDS}.
 */
export function jcs(value: Json): string {
  checkBounds(value)
  return renderJson(value, rfc8785)
}

function ecmaScriptNumber(text: string): string {
  const printed = finiteNumber(text)
  return /[.e]/.test(printed) ? String(Number(text)) : printed
}

function byUtf16(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// Keys count as nodes one deeper than their object, and scalars as one deeper than their list.
function checkBounds(root: Json): void {
  let nodes = 0
  let stringBytes = 0
  const waiting: { value: Json; depth: number }[] = [{ value: root, depth: 1 }]
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    const { value, depth } = item
    if (++nodes > JCS_BOUNDS.nodes) throw over("nodes", JCS_BOUNDS.nodes)
    if (depth > JCS_BOUNDS.depth) throw over("nesting", JCS_BOUNDS.depth)
    if (typeof value === "string") {
      stringBytes += Buffer.byteLength(value)
      if (stringBytes > JCS_BOUNDS.stringBytes) throw over("bytes of text", JCS_BOUNDS.stringBytes)
    } else if (Array.isArray(value) || value instanceof JsonObject) {
      if (sizeOf(value) > JCS_BOUNDS.children) throw over("children of one value", JCS_BOUNDS.children)
      for (const child of childrenOf(value)) waiting.push({ value: child, depth: depth + 1 })
    }
  }
}

function over(what: string, bound: number): CanonicalError {
  return new CanonicalError(`Over the bound of RFC 8785 subjects: ${what} at most ${bound}`)
}

function sizeOf(value: Json[] | JsonObject): number {
  return Array.isArray(value) ? value.length : value.size
}

function childrenOf(value: Json[] | JsonObject): Iterable<Json> {
  return Array.isArray(value) ? value : [...value].flat()
}
