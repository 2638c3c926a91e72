import { visible } from "./visible.js"

/** Lines of a table for people: left-aligned columns two apart, the headings first. */
export function tableLines(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [headings, ...rows].map((row) => row.map(visible))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ""))))
  return cells.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}

function pad(cell: string, width: number) {
  return cell + " ".repeat(Math.max(0, width - widthOf(cell)))
}

/** Columns that a terminal gives a text: two for wide East Asian characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

const COMBINING = /^(\p{Mn}|\p{Me}|\p{Cf})$/u
const WIDE =
  /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u
