import { type Evaluated, type Measured, median, type Ratio, spread } from "./figure.js"
import { howToInstall } from "./programs.js"
import type { Result } from "./results.js"

/** One row of the table of ratios. */
export type Row = readonly [what: string, against: string, ratio: string, goal: string, reached: string]

/** The column heads of the table of ratios. */
export const RATIO_HEADS: Row = ["figure", "against", "ratio (rounds)", "goal", "reached"]

/** The ratios of a figure as rows. */
export function ratioRows({ title, ratios }: Pick<Evaluated, "title" | "ratios">): Row[] {
  return ratios.map((ratio) => [
    ratio.of === title ? title : `${title}: ${ratio.of}`,
    ratio.to,
    ratioText(ratio.values),
    goalText(ratio),
    reachedText(ratio),
  ])
}

/** The measurements of a figure as rows. */
export function measuredRows({ title, measured }: Pick<Evaluated, "title" | "measured">): string[][] {
  return measured.map((side) => [title, side.name, ...numberTexts(side)])
}

/** The column heads of the table of measurements. */
export const MEASURED_HEADS = ["figure", "measured", "median", "smallest to largest"]

/** The remarks on a figure: missing programs and notes. */
export function remarks({ missing = [], notes = [] }: Pick<Evaluated, "missing" | "notes">): string[] {
  return [...missing.map(howToInstall), ...notes]
}

/** A GitHub table. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n")
}

/** Rows as aligned columns for a terminal. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? "").length)))
  const line = (row: readonly string[]) =>
    row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")
  return rows.map((row) => line(row).trimEnd()).join("\n")
}

/** Where and when a figure was measured. */
export function originText({ at, commit }: Pick<Result, "at" | "commit">): string {
  return `${at.slice(0, 10)}, commit ${commit}`
}

function numberTexts({ values, unit }: Measured): [string, string] {
  if (values.length === 0) return ["not measured", ""]
  const [low, high] = spread(values)
  return [
    `${numberText(median(values))} ${unit}`,
    values.length > 1 ? `${numberText(low)} to ${numberText(high)}` : "",
  ]
}

/** Formats three significant digits with thousands separators. */
export function numberText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumSignificantDigits: 3 })
}

function ratioText(values: readonly number[]) {
  if (values.length === 0) return "not measured"
  const [low, high] = spread(values)
  const middle = numberText(median(values))
  return values.length > 1 ? `${middle} (${numberText(low)} to ${numberText(high)})` : middle
}

function goalText({ least, most }: Ratio) {
  if (least !== undefined) return `>= ${least}`
  return most === undefined ? "" : `<= ${most}`
}

function reachedText({ reached, values, least, most }: Ratio) {
  if (least === undefined && most === undefined) return ""
  if (values.length === 0) return "not measured"
  return reached ? "yes" : "no"
}
