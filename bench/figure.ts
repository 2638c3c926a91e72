import type { Lab } from "./lab.js"
import type { Program } from "./programs.js"

/** A measurement, with what it is compared to. */
export interface Figure {
  /** The name on the command line and in results.json. */
  readonly name: string
  /** The title in the tables. */
  readonly title: string
  /** The ratios of its sides to report, with their goals, if any. */
  readonly ratios: readonly RatioOf[]
  /** Whether a run of all figures skips it, because it takes long. */
  readonly onlyByName?: boolean
  /** Runs the measurement. */
  run(lab: Lab): Promise<Findings>
}

/** The ratio of two sides. */
export interface RatioOf {
  readonly of: string
  readonly to: string
  /** The goal: at least this. */
  readonly least?: number
  /** The goal: at most this. */
  readonly most?: number
}

/** One side of a comparison, measured in turn with the others. */
export interface Side {
  readonly name: string
  readonly unit: Unit
  /** Programs that the measurement requires. */
  readonly needs?: readonly Program[]
  /** Measures once, warm-up included. */
  measure(): Promise<number>
}

/** The unit of a measurement. */
export type Unit = "req/s" | "chains/s" | "checks/s" | "ms" | "MB" | "bytes" | "KB"

/** The measurements of one side, one per round. */
export interface Measured {
  readonly name: string
  readonly unit: Unit
  readonly values: readonly number[]
}

/** A plot of one value over another. */
export interface Curve {
  /** The name of the plot's file. */
  readonly name: string
  readonly title: string
  /** Axis titles, with units. */
  readonly x: string
  readonly y: string
  /** Whether the axis is logarithmic. */
  readonly logX?: boolean
  readonly logY?: boolean
  readonly points: readonly Point[]
}

/** A point of a curve. */
export interface Point {
  readonly series: string
  readonly x: number
  readonly y: number
}

/** The results of a figure. */
export interface Findings {
  readonly measured: readonly Measured[]
  readonly curves?: readonly Curve[]
  /** Programs that a side needs but that are not installed. */
  readonly missing?: readonly Program[]
  /** Further facts for readers of the table. */
  readonly notes?: readonly string[]
}

/** Findings with the ratios computed from them. */
export interface Evaluated extends Findings {
  readonly title: string
  readonly ratios: readonly Ratio[]
}

/** A ratio as measured: round by round, because two sides of one round ran under the same conditions. */
export interface Ratio extends RatioOf {
  readonly values: readonly number[]
  /** Whether the median reaches the goal; absent without a goal, or if a side could not be measured. */
  readonly reached?: boolean
}

/** Computes the ratios of the measurements, and compares their medians with the goals. */
export function evaluate({ title, ratios }: Pick<Figure, "title" | "ratios">, findings: Findings): Evaluated {
  const valuesOf = (name: string) => findings.measured.find((side) => side.name === name)?.values ?? []
  const withValues = ratios.map((ratio): Ratio => {
    const [of, to] = [valuesOf(ratio.of), valuesOf(ratio.to)]
    const rounds = Math.min(of.length, to.length)
    const values = Array.from({ length: rounds }, (_, round) => (of[round] as number) / (to[round] as number))
    const hasGoal = ratio.least !== undefined || ratio.most !== undefined
    return values.length > 0 && hasGoal
      ? { ...ratio, values, reached: reaches(values, ratio) }
      : { ...ratio, values }
  })
  return { title, ...findings, ratios: withValues }
}

function reaches(
  values: readonly number[],
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: RatioOf,
) {
  const value = median(values)
  return value >= least && value <= most
}

/** The median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The smallest and largest value. */
export function spread(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}
