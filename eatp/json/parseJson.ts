import { atOnce } from "../turns/turns.js"
import { type Json, JsonNumber, JsonObject } from "./json.js"
import { JsonSyntaxError, numberEnd, spaceEnd, stringEnd, stringValue, unexpected } from "./jsonTokens.js"

/** How deep arrays and objects may nest by default. */
export const DEFAULT_JSON_DEPTH = 1000

/** Options of {@link parseJson}. */
export type ParseJsonOptions = {
  /** How deep arrays and objects may nest; `[]` is 1 deep. Default {@link DEFAULT_JSON_DEPTH}. */
  maxDepth?: number
}

type Open = { container: Json[] | JsonObject; key: string; start: number }

const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22

/**
 * Reads RFC 8259 JSON without losing anything (see {@link Json}). Refuses a repeated key, since readers disagree on
 * which one counts. Keeps escaped lone surrogates, for the caller to judge. Does not recurse.
 *
 * @throws JsonSyntaxError with the reason and the place.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): Json {
  return atOnce(parseSteps(text, options))
}

// After how many values others may have a turn.
const VALUES_PER_STEP = 512

/** The same, with a step after every 512 values: a mebibyte of `{}` takes half a second. */
export function* parseSteps(text: string, options: ParseJsonOptions = {}): Generator<void, Json> {
  if (plainString.test(text)) return text.slice(1, -1)
  const maxDepth = options.maxDepth ?? DEFAULT_JSON_DEPTH
  const open: Open[] = []
  let at = spaceEnd(text, 0)
  for (let values = 1; ; values++) {
    if (values % VALUES_PER_STEP === 0) yield
    const start = at
    let value: Json
    const begun = beginContainer(text, at)
    if (begun !== undefined) {
      if (open.length >= maxDepth) throw tooDeep(text, at, maxDepth)
      at = spaceEnd(text, at + 1)
      if (text.charCodeAt(at) !== closer(begun)) {
        const frame = { container: begun, key: "", start: 0 }
        open.push(frame)
        at = beginMember(text, at, frame)
        continue
      }
      value = begun
      at++
    } else {
      at = scalarEnd(text, at)
      value = scalarValue(text, start, at)
    }
    let frame = open.at(-1)
    while (frame !== undefined) {
      add(text, frame, value, at)
      at = spaceEnd(text, at)
      const unit = text.charCodeAt(at)
      if (unit === COMMA) break
      if (unit !== closer(frame.container)) throw unexpected(text, at, '"," or the end')
      at++
      value = frame.container
      open.pop()
      frame = open.at(-1)
    }
    if (frame === undefined) return whole(text, at, value)
    at = beginMember(text, spaceEnd(text, at + 1), frame)
  }
}

// A fast path: most constraint values are plain strings.
const plainString = /^"[ !#-[\]-~]*"$/

function beginContainer(text: string, at: number): Json[] | JsonObject | undefined {
  const unit = text.charCodeAt(at)
  if (unit === 0x7b) return new JsonObject()
  return unit === 0x5b ? [] : undefined
}

function closer(container: Json[] | JsonObject): number {
  return Array.isArray(container) ? 0x5d : 0x7d
}

function tooDeep(text: string, at: number, maxDepth: number): JsonSyntaxError {
  return new JsonSyntaxError(text, at, "depth", `Nests deeper than ${maxDepth}`)
}

// Reads the key of an object's member; gives the offset at which the member's value begins.
function beginMember(text: string, at: number, frame: Open): number {
  frame.start = at
  if (Array.isArray(frame.container)) return at
  if (text.charCodeAt(at) !== QUOTE) throw unexpected(text, at, "a key")
  const end = stringEnd(text, at)
  frame.key = stringValue(text, at, end)
  if (frame.container.has(frame.key)) {
    throw new JsonSyntaxError(text, at, "repeated_key", `Repeated key ${JSON.stringify(frame.key)}`)
  }
  const colon = spaceEnd(text, end)
  if (text.charCodeAt(colon) !== COLON) throw unexpected(text, colon, '":"')
  frame.start = spaceEnd(text, colon + 1)
  return frame.start
}

function add(text: string, frame: Open, value: Json, end: number): void {
  if (Array.isArray(frame.container)) frame.container.push(value)
  else frame.container.addParsed(frame.key, value, text, frame.start, end)
}

function scalarEnd(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if (unit === QUOTE) return stringEnd(text, at)
  for (const word of ["true", "false", "null"]) if (text.startsWith(word, at)) return at + word.length
  return numberEnd(text, at)
}

function scalarValue(text: string, start: number, end: number): Json {
  switch (text.charCodeAt(start)) {
    case QUOTE:
      return stringValue(text, start, end)
    case 0x74:
      return true
    case 0x66:
      return false
    case 0x6e:
      return null
    default:
      return new JsonNumber(text.slice(start, end))
  }
}

function whole(text: string, at: number, value: Json): Json {
  const end = spaceEnd(text, at)
  if (end < text.length) throw unexpected(text, end, "the end")
  return value
}
