import type { Limit } from "./limits.js"

/** Most names that a caller may heed, and the longest of them, in bytes of UTF-8. */
export const MAX_HEEDS = 100
export const MAX_HEED_BYTES = 512

/**
 * Says of a limit whether a caller heeds it: by its name (`max_amount`), by its whole text (`max_amount:5000`), or by how
 * its text begins, with a star behind (`max_*`). Letter case does not matter.
 */
export function openHeeds(heeds: readonly string[]): (limit: Pick<Limit, "name" | "text">) => boolean {
  if (heeds.length === 0) return () => false
  const lower = heeds.map((heed) => heed.toLowerCase())
  const names = new Set(lower.filter((heed) => !heed.endsWith("*")))
  const beginnings = lower.filter((heed) => heed.endsWith("*")).map((heed) => heed.slice(0, -1))
  return ({ name, text }) => {
    const whole = text.toLowerCase()
    return names.has(name) || names.has(whole) || beginnings.some((start) => isPrefix(start, whole))
  }
}

/** What is wrong with something to heed, for people; undefined if nothing is. A star alone would promise what nobody has read. */
export function heedProblem(heed: string): string | undefined {
  if (heed === "") return "must not be empty"
  if (Buffer.byteLength(heed) > MAX_HEED_BYTES) return `must be at most ${MAX_HEED_BYTES} bytes`
  const star = heed.indexOf("*")
  if (star === 0) return "must name what is heeded before its star"
  return star === -1 || star === heed.length - 1 ? undefined : "may have a star at its end only"
}

function isPrefix(start: string, text: string): boolean {
  return start !== "" && text.startsWith(start)
}
