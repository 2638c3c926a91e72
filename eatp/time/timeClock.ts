import { digitsAt, isDigitAt } from "./timeDigits.js"

/** Hours, minutes, seconds and microseconds as written, not yet checked against 24, 60 and 60. */
export type ClockParts = [hour: number, minute: number, second: number, micros: number]

/** Where the offset from UTC begins in a text whose time of day begins at `start`; the text's length if it has none. */
export function zoneStart(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const mark = text[at]
    if (mark === "+" || mark === "-" || mark === "Z") return at
  }
  return text.length
}

/** Reads an offset from UTC as microseconds (may be a day or more); undefined if Python does not read it. */
export function parseZone(text: string, at: number): number | undefined {
  if (text[at] === "Z") return isEnd(text[at + 1]) ? 0 : undefined
  const clock = parseClock(text, at + 1, text.length)
  if (clock === undefined || clock.leftOver) return undefined
  const [hours, minutes, seconds, micros] = clock.parts
  const whole = hours * 3600 + minutes * 60 + seconds
  // CPython 3.11 takes an offset of zero seconds for UTC and forgets its microseconds.
  if (whole === 0) return 0
  return (text[at] === "-" ? -1 : 1) * (whole * 1_000_000 + micros)
}

/**
 * Reads HH[[:]MM[[:]SS[(.|,)ffffff]]] between two offsets, as CPython 3.11 does. `leftOver` says that something else
 * follows: an error at the end of the text, but before an offset CPython ignores it.
 */
export function parseClock(
  text: string,
  start: number,
  end: number,
): { parts: ClockParts; leftOver: boolean } | undefined {
  const parts: ClockParts = [0, 0, 0, 0]
  let at = start
  let colons = true
  for (let index = 0; index < 3; index++) {
    const value = digitsAt(text, at, 2)
    if (value === undefined) return undefined
    parts[index] = value
    at += 2
    const mark = text[at]
    at++
    if (index === 0) colons = mark === ":"
    if (mark !== undefined && mark > "\x7f") return undefined
    if (at >= end) return { parts, leftOver: !isEnd(mark) }
    if (colons && mark === ":") continue
    if (mark === "." || mark === ",") break
    if (colons) return undefined
    at--
  }
  return parseFraction(text, at, end, parts)
}

function parseFraction(
  text: string,
  start: number,
  end: number,
  parts: ClockParts,
): { parts: ClockParts; leftOver: boolean } | undefined {
  const width = Math.min(6, end - start)
  const fraction = digitsAt(text, start, width)
  if (fraction === undefined) return undefined
  parts[3] = fraction * 10 ** (6 - width)
  let at = start + width
  while (isDigitAt(text, at)) at++
  return { parts, leftOver: !isEnd(text[at]) }
}

// To C code U+0000 is the end.
function isEnd(mark: string | undefined): boolean {
  return mark === undefined || mark === "\0"
}
