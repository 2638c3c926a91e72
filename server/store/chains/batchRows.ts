/** Most rows of the first transaction. */
export const FIRST_BATCH_ROWS = 128
/** Bounds of the rows of a transaction. */
const MIN_ROWS = 8
const MAX_ROWS = 1_000
/** A transaction that took longer is followed by smaller ones, because all its callers wait for it, and their time is limited. */
const SLOW_MS = 400

/**
 * Most rows of the next transaction: half of what was slow, twice as many after a full one that was not.
 *
 * @param limit most rows of the transaction before
 * @param written how many rows it had
 * @param tookMs how long it took, in milliseconds
 */
export function nextBatchRows(limit: number, written: number, tookMs: number): number {
  if (tookMs > SLOW_MS) return Math.max(MIN_ROWS, written >> 1)
  return written === limit ? Math.min(MAX_ROWS, limit * 2) : limit
}
