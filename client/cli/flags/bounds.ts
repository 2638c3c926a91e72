import { MAX_INT64 } from "@trust-registry/eatp"

/** What counts, and times in milliseconds: up to what 32 bits hold, almost 25 days, which is also a timer's longest delay. */
export const COUNT = [1n, 2n ** 31n - 1n] as const

/** Revisions. */
export const REVISION = [1n, MAX_INT64] as const

/** Revisions, and 0 for nothing there. */
export const EXPECTED_REVISION = [0n, MAX_INT64] as const
