import { createReadStream } from "node:fs"

/** A line of a file, without its line feed. */
export interface Line {
  /** From 1. */
  number: number
  text: string
  /** The bytes of the line, its line feed included. */
  bytes: Buffer
  /** Whether it ends with a line feed. */
  ended: boolean
}

/** Most bytes of a line: a chain of the largest size and its record. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** The lines of a file. Only a line feed ends one: JSON may hold other line separators. */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  let number = 0
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      yield lineOf(++number, Buffer.concat([...held, chunk.subarray(start, end + 1)]), true)
      held = []
      heldBytes = 0
      start = end + 1
    }
    const rest = chunk.subarray(start)
    heldBytes += rest.length
    if (heldBytes > MAX_LINE_BYTES)
      throw new RangeError(`line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes`)
    if (rest.length > 0) held.push(rest)
  }
  if (heldBytes > 0) yield lineOf(++number, Buffer.concat(held), false)
}

const LF = 0x0a

function lineOf(number: number, bytes: Buffer, ended: boolean): Line {
  return { number, bytes, ended, text: bytes.toString("utf8", 0, ended ? bytes.length - 1 : bytes.length) }
}
