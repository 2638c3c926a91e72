import { atOnce } from "../turns/turns.js"
import { type Json, JsonNumber, JsonObject } from "./json.js"

/** How {@link renderJson} writes a value: the words, the marks between items, and the order of keys. */
export type JsonStyle = {
  null: string
  true: string
  false: string
  /** Between items, for example `,`. */
  comma: string
  /** Between a key and its value, for example `:`. */
  colon: string
  /** Writes a string, quotes included. */
  string: (text: string) => string
  /** Writes a number, given as written in the source. */
  number: (text: string) => string
  /** The order of an object's keys; unset: insertion order. */
  order?: (a: string, b: string) => number
}

type Frame = { keys: string[] | undefined; values: Json[]; next: number }

/** Writes a JSON value in a style. Does not recurse: deep nesting cannot exhaust the stack. */
export function renderJson(root: Json, style: JsonStyle): string {
  return atOnce(renderSteps(root, style))
}

// After how many values others may have a turn.
const VALUES_PER_STEP = 512

/** The same, with a step after every 512 values. */
export function* renderSteps(root: Json, style: JsonStyle): Generator<void, string> {
  const open: Frame[] = []
  let out = ""
  let value = root
  for (let values = 1; ; values++) {
    if (values % VALUES_PER_STEP === 0) yield
    if (value instanceof JsonObject || Array.isArray(value)) {
      open.push(frameOf(value, style))
      out += Array.isArray(value) ? "[" : "{"
    } else out += renderScalar(value, style)
    let frame = open.at(-1)
    while (frame !== undefined && frame.next === frame.values.length) {
      out += frame.keys === undefined ? "]" : "}"
      open.pop()
      frame = open.at(-1)
    }
    if (frame === undefined) return out
    if (frame.next > 0) out += style.comma
    if (frame.keys !== undefined) out += style.string(frame.keys[frame.next] as string) + style.colon
    value = frame.values[frame.next++] as Json
  }
}

function frameOf(value: Json[] | JsonObject, style: JsonStyle): Frame {
  if (Array.isArray(value)) return { keys: undefined, values: value, next: 0 }
  if (style.order === undefined) return { keys: [...value.keys()], values: [...value.values()], next: 0 }
  const keys = [...value.keys()].sort(style.order)
  return { keys, values: keys.map((key) => value.get(key) as Json), next: 0 }
}

function renderScalar(value: null | boolean | string | JsonNumber, style: JsonStyle): string {
  if (typeof value === "string") return style.string(value)
  if (value instanceof JsonNumber) return style.number(value.text)
  return value === null ? style.null : value ? style.true : style.false
}
