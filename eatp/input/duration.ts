import { parseWholeNumber } from "./wholeNumber.js"

/**
 * Reads a length of time, of a whole number of 1 or more and its unit: `90s`, `30m`, `12h`, `30d`. Gives milliseconds; undefined
 * for anything else, and for more than 100 years.
 */
export function parseDuration(text: string): number | undefined {
  const unit = UNITS_MS.get(text.slice(-1))
  const count = parseWholeNumber(text.slice(0, -1), 1n, LONGEST_MS)
  if (unit === undefined || count === undefined || count * unit > LONGEST_MS) return undefined
  return Number(count * unit)
}

const UNITS_MS: ReadonlyMap<string, bigint> = new Map([
  ["s", 1_000n],
  ["m", 60_000n],
  ["h", 3_600_000n],
  ["d", 86_400_000n],
])
const LONGEST_MS = 36_500n * 86_400_000n
