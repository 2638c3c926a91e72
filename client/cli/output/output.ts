import { once } from "node:events"
import type { Writable } from "node:stream"
import { visibleJson } from "@trust-registry/eatp"

/** Where a command writes: standard output or standard error. */
export interface Output {
  /** Whether it is a terminal. */
  readonly terminal: boolean
  /** The width of the terminal in columns, 80 if it does not say; no limit elsewhere, where a row stays one line. */
  readonly columns: number
  /** Writes a line. Await it, so that a slow reader slows the work down. */
  line(text: string): Promise<void>
  /** Writes JSON text on a line, made safe for a terminal if it is one. */
  json(text: string): Promise<void>
  /** Writes text unchanged. */
  raw(text: string): void
}

/** Returns an output on a stream. */
export function outputTo(stream: Writable & { isTTY?: boolean; columns?: number }): Output {
  const terminal = stream.isTTY === true
  const line = async (text: string) => {
    if (!stream.destroyed && !stream.write(`${text}\n`)) await once(stream, "drain")
  }
  return {
    terminal,
    get columns() {
      return terminal ? stream.columns || DEFAULT_COLUMNS : Infinity
    },
    line,
    json: (text) => line(terminal ? visibleJson(text) : text),
    raw: (text) => void stream.write(text),
  }
}

const DEFAULT_COLUMNS = 80
