import type { Output } from "./output.js"

/** Shows the progress of long work: a bar on a terminal, a line every few seconds elsewhere. */
export interface Progress {
  /** Updates the display if it is time to. Cheap enough to call for each item. */
  tick(done: number, fraction?: number): void
  /** Removes the bar, so that a line can be printed. */
  clear(): void
}

const BAR_EVERY_MS = 100
const LINE_EVERY_MS = 5_000
const BAR_CELLS = 30

/** Returns the progress on an output, counted in `what`, for example `documents`. */
export function progressOn(output: Output, what: string): Progress {
  const started = performance.now()
  let shown = started
  let bar = false
  const rate = (done: number, now: number) => `${Math.round((done * 1000) / Math.max(1, now - started))}/s`
  return {
    tick(done, fraction) {
      const now = performance.now()
      if (now - shown < (output.terminal ? BAR_EVERY_MS : LINE_EVERY_MS)) return
      shown = now
      const percent = fraction === undefined ? "" : ` ${Math.floor(fraction * 100)} %`
      const text = `${done} ${what}${percent}, ${rate(done, now)}`
      if (output.terminal) output.raw(`\r\x1b[K${barOf(fraction)}${text}`)
      else output.raw(`${text}\n`)
      bar = output.terminal
    },
    clear() {
      if (bar) output.raw("\r\x1b[K")
      bar = false
    },
  }
}

function barOf(fraction: number | undefined) {
  if (fraction === undefined) return ""
  const full = Math.round(Math.min(1, fraction) * BAR_CELLS)
  return `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}] `
}
