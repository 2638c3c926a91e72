import type { Lab } from "./lab.js"
import type { Program } from "./programs.js"

/** Something that is measured, beside what it is compared with. */
export interface Figure {
  /** What it is called on the command line and in results.json. */
  readonly name: string
  /** What it tells, for the table. */
  readonly title: string
  /** The quotients of its sides that are told, each with the goal it has, if any. */
  readonly ratios: readonly RatioOf[]
  /** Whether it takes so long that a run of all leaves it out. */
  readonly onlyByName?: boolean
  /** Measures it. */
  run(lab: Lab): Promise<Findings>
}

/** A quotient of two sides. */
export interface RatioOf {
  readonly of: string
  readonly to: string
  /** The goal: not less than this. */
  readonly least?: number
  /** The goal: not more than this. */
  readonly most?: number
}

/** What is measured again and again, in turn with others. */
export interface Side {
  readonly name: string
  readonly unit: Unit
  /** Programs without which it cannot be measured. */
  readonly needs?: readonly Program[]
  /** Measures once, warm-up included. */
  measure(): Promise<number>
}

/** What numbers count. */
export type Unit = "req/s" | "chains/s" | "checks/s" | "ms" | "MB" | "bytes" | "KB"

/** The numbers of one side, one a round. */
export interface Measured {
  readonly name: string
  readonly unit: Unit
  readonly values: readonly number[]
}

/** How something grows. */
export interface Curve {
  /** What its plot is called. */
  readonly name: string
  readonly title: string
  /** Axis titles, with units. */
  readonly x: string
  readonly y: string
  /** Whether the axis grows by powers of ten. */
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

/** What a figure found. */
export interface Findings {
  readonly measured: readonly Measured[]
  readonly curves?: readonly Curve[]
  /** Programs that some side needs and that are not here. */
  readonly missing?: readonly Program[]
  /** What a reader of the table should know besides. */
  readonly notes?: readonly string[]
}

/** Findings with what follows from them. */
export interface Judged extends Findings {
  readonly title: string
  readonly ratios: readonly Ratio[]
}

/** A quotient as it was measured: round by round, since two sides of one round saw the same machine. */
export interface Ratio extends RatioOf {
  readonly values: readonly number[]
  /** Whether the median reaches the goal; absent without a goal, or where a side could not be measured. */
  readonly reached?: boolean
}

/** The quotients of what was measured, judged by their medians. */
export function judge({ title, ratios }: Pick<Figure, "title" | "ratios">, findings: Findings): Judged {
  const valuesOf = (name: string) => findings.measured.find((side) => side.name === name)?.values ?? []
  const judged = ratios.map((ratio): Ratio => {
    const [of, to] = [valuesOf(ratio.of), valuesOf(ratio.to)]
    const rounds = Math.min(of.length, to.length)
    const values = Array.from({ length: rounds }, (_, round) => (of[round] as number) / (to[round] as number))
    const hasGoal = ratio.least !== undefined || ratio.most !== undefined
    return values.length > 0 && hasGoal
      ? { ...ratio, values, reached: reaches(values, ratio) }
      : { ...ratio, values }
  })
  return { title, ...findings, ratios: judged }
}

function reaches(
  values: readonly number[],
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: RatioOf,
) {
  const value = median(values)
  return value >= least && value <= most
}

/** The one in the middle, or the mean of the two there; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** Smallest and largest. */
export function spread(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}
