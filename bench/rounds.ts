import type { Findings, Side } from "./figure.js"
import type { Lab } from "./lab.js"
import { hasProgram } from "./programs.js"

/**
 * Measures all sides in turn, round after round, so that other load on the machine affects all of them. A first round warms up
 * compilers and caches and does not count. Sides whose program is missing are skipped and reported.
 */
export async function inTurn(lab: Lab, sides: readonly Side[]): Promise<Findings> {
  const needed = new Set(sides.flatMap(({ needs = [] }) => needs))
  const missing = [...needed].filter((program) => !hasProgram(program))
  const present = sides.filter(({ needs = [] }) => !needs.some((program) => missing.includes(program)))
  const values: number[][] = present.map(() => [])
  for (let round = 0; round <= lab.rounds; round++) {
    const order = round % 2 === 0 ? present.keys() : [...present.keys()].reverse()
    for (const index of order) {
      const side = present[index] as Side
      const value = await side.measure()
      lab.say(
        `  ${round === 0 ? "warm-up" : `round ${round}`}: ${side.name} ${value.toPrecision(4)} ${side.unit}`,
      )
      if (round > 0) values[index]?.push(value)
    }
  }
  const measured = present.map(({ name, unit }, index) => ({ name, unit, values: values[index] ?? [] }))
  return { measured, missing }
}

/** Starts a side when it is first measured, so that a side whose program is missing is never started. */
export function onFirst(start: () => Promise<() => Promise<number>>): () => Promise<number> {
  let started: Promise<() => Promise<number>> | undefined
  return async () => {
    started ??= start()
    return await (await started)()
  }
}
