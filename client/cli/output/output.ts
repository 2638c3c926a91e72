import { once } from "node:events"
import type { Writable } from "node:stream"
import { visibleJson } from "@trust-registry/eatp"

/** Where a command writes: standard output or standard error. */
export interface Output {
  /** Whether it is a terminal. */
  readonly terminal: boolean
  /** Writes a line; wait for it, so that a slow reader holds back what is read for it. */
  line(text: string): Promise<void>
  /** Writes JSON text on a line, safe to show where it is a terminal. */
  json(text: string): Promise<void>
  /** Writes as it is. */
  raw(text: string): void
}

/** An output on a stream. */
export function outputTo(stream: Writable & { isTTY?: boolean }): Output {
  const terminal = stream.isTTY === true
  const line = async (text: string) => {
    if (!stream.destroyed && !stream.write(`${text}\n`)) await once(stream, "drain")
  }
  return {
    terminal,
    line,
    json: (text) => line(terminal ? visibleJson(text) : text),
    raw: (text) => void stream.write(text),
  }
}
