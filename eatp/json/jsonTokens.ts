/** Why a text is refused: it is not JSON, it repeats a key, or it nests too deep. */
export type JsonSyntaxReason = "syntax" | "repeated_key" | "depth"

/** A text is not JSON that we accept, with the reason and the place. */
export class JsonSyntaxError extends SyntaxError {
  override readonly name = "JsonSyntaxError"
  readonly reason: JsonSyntaxReason
  /** Where in the text, in UTF-16 units from 0. */
  readonly offset: number
  /** Line of the text, from 1. */
  readonly line: number
  /** Column in that line, in UTF-16 units from 1. */
  readonly column: number

  constructor(text: string, offset: number, reason: JsonSyntaxReason, message: string) {
    const lines = text.slice(0, offset).split("\n")
    const line = lines.length
    const column = (lines.at(-1) ?? "").length + 1
    super(`${message} at line ${line} column ${column}`)
    this.reason = reason
    this.offset = offset
    this.line = line
    this.column = column
  }
}

/** The error for an unexpected character at an offset. */
export function unexpected(text: string, at: number, wanted: string): JsonSyntaxError {
  const found = at < text.length ? JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0)) : "end"
  return new JsonSyntaxError(text, at, "syntax", `Expected ${wanted}, found ${found}`)
}

/** The offset after the white space at an offset. */
export function spaceEnd(text: string, at: number): number {
  let end = at
  for (;;) {
    const unit = text.charCodeAt(end)
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return end
    end++
  }
}

/** The offset after the string that begins with `"` at an offset; does not check escapes. */
export function stringEnd(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    const unit = text.charCodeAt(end)
    if (unit === 0x22) return end + 1
    if (unit === 0x5c) end++
    else if (unit < 0x20) throw unexpected(text, end, "an escape for a control character")
  }
  throw unexpected(text, text.length, 'a closing "')
}

/** The value of the string between two offsets, which include its quotes. */
export function stringValue(text: string, start: number, end: number): string {
  const inside = text.slice(start + 1, end - 1)
  if (!inside.includes("\\")) return inside
  try {
    return JSON.parse(text.slice(start, end)) as string
  } catch {
    throw new JsonSyntaxError(text, start, "syntax", "Bad escape in the string")
  }
}

/** The offset after the number at an offset. */
export function numberEnd(text: string, at: number): number {
  const first = text.charCodeAt(at) === MINUS ? at + 1 : at
  let end = text.charCodeAt(first) === ZERO ? first + 1 : digitsEnd(text, first)
  if (end === first) throw unexpected(text, at, "a value")
  if (text.charCodeAt(end) === POINT) end = ifDigits(text, end + 1, end)
  if ((text.charCodeAt(end) | 0x20) !== LOWER_E) return end
  const sign = text.charCodeAt(end + 1)
  return ifDigits(text, sign === PLUS || sign === MINUS ? end + 2 : end + 1, end)
}

const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const LOWER_E = 0x65

// The offset after the digits, or another one if there are none.
function ifDigits(text: string, at: number, otherwise: number): number {
  const end = digitsEnd(text, at)
  return end === at ? otherwise : end
}

function digitsEnd(text: string, at: number): number {
  let end = at
  while (text.charCodeAt(end) >= ZERO && text.charCodeAt(end) <= 0x39) end++
  return end
}
