import { atOnce } from "../turns/turns.js"
import { JsonSyntaxError, numberEnd, spaceEnd, stringEnd, stringValue, unexpected } from "./jsonTokens.js"

/** What {@link scanJson} tells of a text. */
export type JsonScan = {
  root: "object" | "array" | "string" | "number" | "true" | "false" | "null"
  /** How many values there are, all inner ones included. */
  values: number
  /** How many items a root array has. */
  items: number
  /** How many of those are objects. */
  objects: number
}

/** Is told of what a scan meets, without what needs no look: strings and keys without escapes, short integers. */
export type JsonVisitor = {
  /** A string or key that was written with escapes, decoded. */
  escaped: (text: string) => void
  /** A number with a fraction, an exponent or many digits. */
  number: (text: string) => void
}

const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b
const CLOSE_LIST = 0x5d
const CLOSE_OBJECT = 0x7d
/** More digits may be beyond a double. */
const SHORT_NUMBER = 300

/**
 * Checks a text as `parseJson` does, with the same errors, but builds no value: a mebibyte of `{}` takes some milliseconds
 * instead of hundreds. Does not recurse.
 *
 * @throws JsonSyntaxError with the reason and the place.
 */
export function scanJson(text: string, maxDepth: number, visitor: JsonVisitor): JsonScan {
  return atOnce(scanSteps(text, maxDepth, visitor))
}

/** After how many values others may have a turn. */
const VALUES_PER_STEP = 2_048

/** The same, with a step after every 2,048 values: a mebibyte of keys takes 50 ms. Ends early beyond `maxValues`. */
export function* scanSteps(
  text: string,
  maxDepth: number,
  visitor: JsonVisitor,
  maxValues = Number.POSITIVE_INFINITY,
): Generator<void, JsonScan> {
  const closers: number[] = []
  // The keys of each open object: none, one, or several.
  const keys: (undefined | string | Set<string>)[] = []
  let at = spaceEnd(text, 0)
  const scan: JsonScan = { root: rootAt(text, at), values: 0, items: 0, objects: 0 }
  for (;;) {
    const unit = text.charCodeAt(at)
    scan.values++
    if (scan.values > maxValues) return scan
    if (scan.values % VALUES_PER_STEP === 0) yield
    if (closers.length === 1 && scan.root === "array") {
      scan.items++
      if (unit === OPEN_OBJECT) scan.objects++
    }
    if (unit === OPEN_OBJECT || unit === OPEN_LIST) {
      if (closers.length >= maxDepth)
        throw new JsonSyntaxError(text, at, "depth", `Nests deeper than ${maxDepth}`)
      const closer = unit === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST
      at = spaceEnd(text, at + 1)
      if (text.charCodeAt(at) !== closer) {
        closers.push(closer)
        keys.push(undefined)
        if (closer === CLOSE_OBJECT) at = memberEnd(text, at, keys, visitor)
        continue
      }
      at++
    } else at = scalarEnd(text, at, visitor)
    while (closers.length > 0) {
      at = spaceEnd(text, at)
      const next = text.charCodeAt(at)
      if (next === COMMA) break
      if (next !== closers.at(-1)) throw unexpected(text, at, '"," or the end')
      at++
      closers.pop()
      keys.pop()
    }
    at = spaceEnd(text, closers.length === 0 ? at : at + 1)
    if (closers.length === 0) {
      if (at < text.length) throw unexpected(text, at, "the end")
      return scan
    }
    if (closers.at(-1) === CLOSE_OBJECT) at = memberEnd(text, at, keys, visitor)
  }
}

function rootAt(text: string, at: number): JsonScan["root"] {
  const roots: Record<string, JsonScan["root"]> = {
    "{": "object",
    "[": "array",
    '"': "string",
    t: "true",
    f: "false",
    n: "null",
  }
  return roots[text.charAt(at)] ?? "number"
}

// Reads the key of a member; gives the offset at which its value begins.
function memberEnd(
  text: string,
  at: number,
  open: (undefined | string | Set<string>)[],
  visitor: JsonVisitor,
): number {
  if (text.charCodeAt(at) !== QUOTE) throw unexpected(text, at, "a key")
  const end = stringEnd(text, at)
  const key = stringValue(text, at, end)
  if (key.length < end - at - 2) visitor.escaped(key)
  const others = open[open.length - 1]
  if (others === key || (others instanceof Set && others.has(key)))
    throw new JsonSyntaxError(text, at, "repeated_key", `Repeated key ${JSON.stringify(key)}`)
  if (others instanceof Set) others.add(key)
  else open[open.length - 1] = others === undefined ? key : new Set([others, key])
  const colon = spaceEnd(text, end)
  if (text.charCodeAt(colon) !== COLON) throw unexpected(text, colon, '":"')
  return spaceEnd(text, colon + 1)
}

function scalarEnd(text: string, at: number, visitor: JsonVisitor): number {
  const unit = text.charCodeAt(at)
  if (unit === QUOTE) {
    const end = stringEnd(text, at)
    // Every escape is longer than what it stands for.
    if (text.slice(at, end).includes("\\")) visitor.escaped(stringValue(text, at, end))
    return end
  }
  for (const word of WORDS) if (text.startsWith(word, at)) return at + word.length
  const end = numberEnd(text, at)
  if (end - at > SHORT_NUMBER || !isInteger(text, at, end)) visitor.number(text.slice(at, end))
  return end
}

const WORDS = ["true", "false", "null"]

function isInteger(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x30 || unit > 0x39) return false
  }
  return true
}
