/** Whether a resource is covered; undefined once that would take more than {@link MAX_STEPS} steps for all resources. */
export type Cover = (resource: string) => boolean | undefined

/** What all comparisons of one set of patterns may take: some ten milliseconds. */
export const MAX_STEPS = 1_000_000

/**
 * Whether a delegator's resource patterns cover a delegatee's resource (EATP DELEGATE, validate_inheritance): one is equal,
 * matches it (`*` and `?` within a path segment, `**` across segments), or names a path above it with a final `/*` or `/**`.
 * Takes time linear in the pattern's length times the resource's, and gives up at a bound: both may come from strangers.
 */
export function coverOf(patterns: readonly string[], maxSteps = MAX_STEPS): Cover {
  const equal = new Set(patterns)
  const globs = [...equal].filter((pattern) => /[*?]/.test(pattern)).map(globOf)
  const all = equal.has("*") || equal.has("**")
  let steps = 0
  return (resource) => {
    if (all || equal.has(resource)) return true
    if (steps > maxSteps) return undefined
    const points = codePoints(resource)
    for (const { tokens, prefix, base, itself } of globs) {
      steps += PER_PATTERN
      if (base !== undefined && (resource.startsWith(base) || (itself && base === `${resource}/`)))
        return true
      if (!resource.startsWith(prefix)) continue
      const matched = matches(tokens, points, maxSteps - steps)
      steps += matched.steps
      if (matched.whole) return true
      if (steps > maxSteps) return undefined
    }
    return false
  }
}

/** What a pattern costs whose plain beginning already differs, in steps. */
const PER_PATTERN = 8

// Tokens that are no code point.
const ONE = -1
const STAR = -2
const STARS = -3
const SLASH = 0x2f
const ASTERISK = 0x2a
const QUESTION_MARK = 0x3f

type Glob = {
  tokens: Int32Array
  /** What comes before the first star or question mark. */
  prefix: string
  /** The path above a final star, with its slash. Two stars cover that path itself, too. */
  base: string | undefined
  itself: boolean
}

function globOf(pattern: string): Glob {
  const itself = pattern.endsWith("/**")
  // The reference implementation lets `db/**` cover `dbx/secret` too; we require the slash.
  const base = itself ? pattern.slice(0, -2) : pattern.endsWith("/*") ? pattern.slice(0, -1) : undefined
  return {
    tokens: tokensOf(codePoints(pattern)),
    prefix: pattern.slice(0, pattern.search(/[*?]/)),
    base,
    itself,
  }
}

function tokensOf(points: number[]): Int32Array {
  const tokens = new Int32Array(points.length)
  let count = 0
  for (let at = 0; at < points.length; at++) {
    const point = points[at] as number
    if (point === ASTERISK && points[at + 1] === ASTERISK) {
      tokens[count++] = STARS
      // The slash after two stars is optional, and they match it anyway.
      at += points[at + 2] === SLASH ? 2 : 1
    } else tokens[count++] = point === ASTERISK ? STAR : point === QUESTION_MARK ? ONE : point
  }
  return tokens.subarray(0, count)
}

function codePoints(text: string): number[] {
  const points: number[] = []
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) as number
    points.push(point)
    if (point > 0xffff) at++
  }
  return points
}

/**
 * Matches without backtracking: `at[i]` says whether the text so far leads to before token i. Only those between the first and
 * the last of them are looked at, which for plain characters is one.
 */
function matches(tokens: Int32Array, text: number[], maxSteps: number): { whole: boolean; steps: number } {
  const at = new Uint8Array(tokens.length + 1)
  at[0] = 1
  let low = 0
  let high = skipStars(tokens, at, 0, 0)
  let steps = 0
  for (const point of text) {
    steps += high - low + 1
    if (low > high || steps > maxSteps) return { whole: false, steps }
    for (let i = Math.min(high + 1, tokens.length); i >= low; i--) {
      const stays = at[i] === 1 && repeats(tokens[i] as number, point)
      const comes = i > low && at[i - 1] === 1 && takes(tokens[i - 1] as number, point)
      at[i] = stays || comes ? 1 : 0
    }
    high = skipStars(tokens, at, low, Math.min(high + 1, tokens.length))
    while (low <= high && at[low] === 0) low++
    while (high >= low && at[high] === 0) high--
  }
  return { whole: at[tokens.length] === 1 && low <= high, steps }
}

/** Marks what follows a star as reached, since stars also match nothing. Gives the last place that is reached now. */
function skipStars(tokens: Int32Array, at: Uint8Array, low: number, high: number): number {
  let last = high
  for (let i = low; i <= last && i < tokens.length; i++)
    if (at[i] === 1 && (tokens[i] as number) <= STAR) {
      at[i + 1] = 1
      last = Math.max(last, i + 1)
    }
  return last
}

function takes(token: number, point: number): boolean {
  return token === point || (token === ONE && point !== SLASH)
}

function repeats(token: number, point: number): boolean {
  return token === STAR ? point !== SLASH : token === STARS && !isLineEnd(point)
}

// As `.` of a regular expression, which EATP's reference implementation makes of two stars.
function isLineEnd(point: number): boolean {
  return point === 0x0a || point === 0x0d || point === 0x2028 || point === 0x2029
}
