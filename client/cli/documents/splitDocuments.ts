import { createJsonScanner, isSpace, type JsonScanner } from "./jsonScanner.js"

/** A document of a stream: its text, or why it cannot be read. */
export interface SplitDocument {
  /** The line on which it starts, from 1. */
  line: number
  /** Its text; for a broken document, up to the invalid byte. Empty if there is a problem. */
  text: string
  /** Why it cannot be read. */
  problem?: string
}

/** Far more than a registry accepts. It bounds the memory for a document that never ends. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

/**
 * Splits a stream into JSON documents: one a line, pretty-printed ones one after another, or the elements of an array. It
 * holds at most one document in memory.
 *
 * After a broken document it continues at the next line that is not indented deeper than the broken one and does not
 * continue it (with `}`, `]`, `,` or `"`): the next line of JSON lines, the next element of a pretty-printed array.
 */
export async function* splitDocuments(chunks: AsyncIterable<Buffer>): AsyncGenerator<SplitDocument> {
  const place = new Place()
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    rest = rest.subarray(yield* take(place, rest, false))
  }
  yield* take(place, rest, true)
  if (place.inArray)
    yield { line: place.line, text: "", problem: place.skipping === undefined ? UNCLOSED : UNREAD }
}

/** The position in the stream. */
class Place {
  line = 1
  /** The indentation of the current line, and whether it has been only white space so far. */
  indent = 0
  lineStart = true
  inArray = false
  /** The scanner of the current document, and how far it has read. */
  scanner: JsonScanner | undefined
  scanned = 0
  /** The indentation of a broken document, while it is being skipped. */
  skipping: number | undefined
}

/** Yields all complete documents. Returns how many bytes it has consumed. */
function* take(place: Place, bytes: Buffer, last: boolean): Generator<SplitDocument, number> {
  let at = 0
  for (;;) {
    if (place.scanner === undefined) {
      at = toNextDocument(place, bytes, at, last)
      if (at === bytes.length || (!last && isCutMark(bytes, at))) return at
      place.scanner = createJsonScanner(place.inArray)
      place.scanned = 0
    }
    const { result, end } = place.scanner.scan(bytes, at + place.scanned)
    place.scanned = end - at
    const tooLong = place.scanned > MAX_DOCUMENT_BYTES
    if (result === "unfinished" && !last && !tooLong) return at
    yield tooLong
      ? { line: place.line, text: "", problem: TOO_LONG }
      : read(place.line, bytes.subarray(at, end))
    place.scanner = undefined
    if (result === "complete" && !isLooseText(place, bytes, at, end)) at = pass(place, bytes, at, end)
    else {
      // The lines after its first one may be documents of their own.
      place.skipping = place.indent
      at = pass(place, bytes, at, lineEnd(bytes, at))
    }
  }
}

/** A word of text that is not JSON at all, like the words after it. */
function isLooseText({ inArray }: Place, bytes: Buffer, start: number, end: number) {
  const first = bytes[start]
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return false
  if (!inArray) return true
  try {
    JSON.parse(bytes.toString("utf8", start, end))
    return false
  } catch {
    return true
  }
}

const UNCLOSED = "the array is not closed"
const UNREAD = "the rest of the array could not be read"
const TOO_LONG = `is longer than ${MAX_DOCUMENT_BYTES} bytes`

function read(line: number, bytes: Buffer): SplitDocument {
  try {
    return { line, text: UTF8.decode(bytes) }
  } catch {
    return { line, text: "", problem: "is not UTF-8" }
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
/** A byte order mark, which some editors put before the first document; it is in the middle where files were joined. */
const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const [COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT] = [0x2c, 0x5b, 0x5d, 0x7b]

/** Skips what is between documents. */
function toNextDocument(place: Place, bytes: Buffer, start: number, last: boolean): number {
  let at = start
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === BOM[0]) {
      const mark = bytes.subarray(at, at + BOM.length)
      if (!last && isCutMark(bytes, at)) break
      if (BOM.equals(mark)) {
        at += BOM.length - 1
        continue
      }
    }
    if (!isSpace(byte) && !isBetween(place, byte)) break
    step(place, byte)
  }
  return at
}

/** Whether the bytes end within a byte order mark. */
function isCutMark(bytes: Buffer, at: number) {
  const left = bytes.length - at
  return left < BOM.length && bytes.subarray(at).equals(BOM.subarray(0, left))
}

function isBetween(place: Place, byte: number) {
  if (place.skipping !== undefined) {
    if (!place.lineStart || place.indent > place.skipping || GOES_ON.has(byte))
      return closesArray(place, byte)
    place.skipping = undefined
  }
  if (byte === OPEN_ARRAY && !place.inArray) {
    place.inArray = true
    return true
  }
  if (byte === CLOSE_ARRAY && place.inArray) {
    place.inArray = false
    return true
  }
  return byte === COMMA && place.inArray
}

/** Characters that start a line which continues the document of the line before: `}`, `]`, `,` and `"`. */
const GOES_ON = new Set([0x7d, 0x5d, 0x2c, 0x22])

/** A `]` that starts a line and is indented less than the elements ends the array, even after a broken element. */
function closesArray(place: Place, byte: number): true {
  const outer = place.skipping !== undefined && place.lineStart && place.indent <= place.skipping
  if (byte === CLOSE_ARRAY && outer) place.inArray = false
  return true
}

function pass(place: Place, bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) step(place, bytes[at] as number)
  return end
}

function step(place: Place, byte: number) {
  if (byte === 0x0a) {
    place.line++
    place.indent = 0
    place.lineStart = true
  } else if (!place.lineStart) return
  else if (isSpace(byte)) place.indent++
  else place.lineStart = false
}

/** Returns the end of the line, without its newline. */
function lineEnd(bytes: Buffer, at: number): number {
  const newline = bytes.indexOf(0x0a, at)
  return newline === -1 ? bytes.length : newline
}
