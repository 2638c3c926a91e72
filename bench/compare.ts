import { type Measured, median, type Ratio } from "./figure.js"

/** A ratio or a measurement of a figure, on two commits. */
export interface Change {
  readonly figure: string
  readonly what: string
  readonly before: number
  readonly after: number
  /** The factor by which it is better now; below 1 it is worse. */
  readonly better: number
}

/** Changes below this are reported as worse: by a fifth. */
export const WORSE = 0.8

/** The changes in the ratios of a figure. */
export function changesOf(figure: string, before: readonly Ratio[], after: readonly Ratio[]): Change[] {
  return after.flatMap((ratio) => {
    const same = before.find(({ of, to }) => of === ratio.of && to === ratio.to)
    if (!same || same.values.length === 0 || ratio.values.length === 0) return []
    const [was, is] = [median(same.values), median(ratio.values)]
    const better = ratio.most === undefined ? is / was : was / is
    return [{ figure, what: `${ratio.of} / ${ratio.to}`, before: was, after: is, better }]
  })
}

/** The changes in the measurements of a figure; for times and memory, less is better. */
export function numbersChanged(
  figure: string,
  before: readonly Measured[],
  after: readonly Measured[],
): Change[] {
  return after.flatMap(({ name, unit, values }) => {
    const same = before.find((side) => side.name === name)
    if (!same || same.values.length === 0 || values.length === 0) return []
    const [was, is] = [median(same.values), median(values)]
    const better = unit.endsWith("/s") ? is / was : was / is
    return [{ figure, what: `${name} (${unit})`, before: was, after: is, better }]
  })
}
