import { createBatches } from "./batches.js"
import { databaseUnavailable, isUnavailable } from "./failures.js"

/** Most ids of one statement, and most such statements at once. */
const READ_KEYS = 100
const READS_AT_ONCE = 2
/** Most callers that may wait for a read: far more than a process can serve. */
const MAX_WAITING_READS = 100_000

/**
 * Batches concurrent reads by id into one statement, which starts after they were asked for.
 *
 * @param left whether a row exists but did not fit in the answer: it is read again, behind those that wait
 */
export function createReads<Row>(
  read: (ids: string[]) => Promise<Row[]>,
  idOf: (row: Row) => string,
  left: (row: Row) => boolean = () => false,
): (id: string) => Promise<Row | undefined> {
  const readSoon = createBatches<string, Row | undefined>({
    run: async (ids) => {
      const rows = new Map((await read(ids)).map((row) => [idOf(row), row]))
      return ids.map((id) => rows.get(id))
    },
    keyOf: (id) => id,
    sizeOf: () => 0,
    maxItems: READ_KEYS,
    maxBytes: Number.POSITIVE_INFINITY,
    atOnce: READS_AT_ONCE,
    maxWaiting: MAX_WAITING_READS,
    maxWaitingBytes: Number.POSITIVE_INFINITY,
    full: () => databaseUnavailable(`${MAX_WAITING_READS} reads are waiting already`),
    failsAll: isUnavailable,
  })
  return async (id) => {
    for (;;) {
      const row = await readSoon(id)
      if (row === undefined || !left(row)) return row
    }
  }
}
