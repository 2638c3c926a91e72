import { visibleName } from "@trust-registry/eatp"

/**
 * Returns the lines of a table for people: left-aligned columns two spaces apart, headings first. Rows that do not fit into `columns`
 * are folded, each into a paragraph of headings with their values. Nothing is cut: people copy ids.
 */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  columns = Infinity,
): string[] {
  const cells = rows.map((row) => row.map(visibleName))
  const lines = alignedLines([headings, ...cells])
  if (lines.every((line) => widthOf(line) <= columns)) return lines
  return cells.flatMap((row) => foldedLines(headings, row, columns))
}

function alignedLines(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? ""))))
  return cells.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}

/** The first value begins the paragraph. Other cells without a value are left out. */
function foldedLines(headings: readonly string[], row: readonly string[], columns: number): string[] {
  const pairs = row
    .map((cell, at) => `${headings[at] ?? ""} ${cell}`)
    .filter((_, at) => at === 0 || row[at] !== "-")
  const [first = "", ...others] = pairs
  const lines = [first]
  for (const pair of others) {
    const longer = `${lines.at(-1)}  ${pair}`
    if (lines.length > 1 && widthOf(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(`  ${pair}`)
  }
  return lines
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
