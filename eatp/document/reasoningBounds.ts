/** Most that a reasoning trace may hold: characters (code points) of each text, and items of each list. */
export const REASONING_BOUNDS = {
  decision: 10_000,
  rationale: 50_000,
  alternatives: 100,
  alternative: 5_000,
  evidence: 100,
  methodology: 1_000,
} as const
