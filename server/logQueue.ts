import { within } from "./async/deadline.js"
import type { Sink } from "./standardOutput.js"

/** Where log lines go. A reader that stalls holds up nobody: lines that do not fit are dropped, and a line tells how many. */
export interface LogQueue {
  /** Takes a line with its line break. */
  write(line: string): void
  /** How many lines were dropped so far. */
  readonly dropped: number
  /** Waits until all lines are written, at most `ms` milliseconds. */
  flush(ms: number): Promise<void>
  /** Writes what can be written at once, as the process exits. */
  flushNow(): void
}

/** How much is kept while nobody reads, in UTF-16 code units. */
const MOST = 1 << 20
/** POSIX keeps a write of this size to a pipe in one piece, so that lines of several workers do not mix. */
const PIECE = 4096

/** Queues lines for a sink, which gets one piece at a time. */
export function createLogQueue(sink: Sink): LogQueue {
  const waiting: string[] = []
  let size = 0
  let writing = false
  /** Once full, until all is written: what is missing is missing in one place, where a line says so. */
  let full = false
  let failing = false
  let dropped = 0
  let told = 0
  let onWritten: () => void = () => undefined

  const send = (text: string, lines: number, tells: number) => {
    writing = true
    sink.send(text, (failed) => {
      failing = failed
      size -= lines > 0 ? text.length : 0
      if (failed) dropped += lines
      else told += tells
      next()
    })
  }

  const next = () => {
    if (waiting.length > 0) {
      const lines = waiting.splice(0, countInPiece(waiting))
      return send(lines.join(""), lines.length, 0)
    }
    full = false
    // After a failure only the next line can find out whether writing works again.
    if (dropped > told && !failing) return send(notice(dropped - told), 0, dropped - told)
    writing = false
    onWritten()
  }

  return {
    write(line) {
      if (full || size + line.length > MOST) {
        dropped++
        full = writing
        return
      }
      waiting.push(line)
      size += line.length
      if (!writing) next()
    },
    get dropped() {
      return dropped
    },
    async flush(ms) {
      if (!writing) return
      const written = new Promise<void>((resolve) => {
        onWritten = resolve
      })
      await within(written, { ms, late: () => undefined })
    },
    flushNow: () => sink.sendNow(waiting.join("")),
  }
}

/** How many of the lines fit into a piece; at least one. */
function countInPiece(lines: readonly string[]): number {
  let bytes = Buffer.byteLength(lines[0] ?? "")
  let count = 1
  for (; count < lines.length; count++) {
    bytes += Buffer.byteLength(lines[count] ?? "")
    if (bytes > PIECE) break
  }
  return count
}

/** Written whatever the level of the log is. */
function notice(lines: number): string {
  const msg = "log lines are missing here: standard output was not read, or could not be written"
  return `${JSON.stringify({ level: "warn", time: new Date(), pid: process.pid, dropped: lines, msg })}\n`
}
