import { visibleName } from "@trust-registry/eatp"

/** The most columns of a cell on a terminal, where a longer one would wrap every line. */
export const TERMINAL_CELL = 64

/**
 * Returns the lines of a table for people: left-aligned columns two spaces apart, headings first. A cell wider than `widest`
 * is cut and ends in `…`.
 */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  widest = Infinity,
): string[] {
  const cells = [headings, ...rows].map((row) => row.map((cell) => cut(visibleName(cell), widest)))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ""))))
  return cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}

function cut(cell: string, widest: number) {
  if (widthOf(cell) <= widest) return cell
  let kept = ""
  let width = 1
  for (const character of cell) {
    width += widthOf(character)
    if (width > widest) break
    kept += character
  }
  return `${kept}…`
}

function pad(cell: string, width: number) {
  return cell + " ".repeat(Math.max(0, width - widthOf(cell)))
}

/** Returns the columns of a text on a terminal: two for wide East Asian characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

const COMBINING = /^(\p{Mn}|\p{Me}|\p{Cf})$/u
const WIDE =
  /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u
