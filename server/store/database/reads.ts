import { createBatches } from "./batches.js"
import { databaseUnavailable, isUnavailable } from "./failures.js"

/** Most keys of one read, and most such reads at once. */
const READ_KEYS = 100
const READS_AT_ONCE = 2
/** Callers that wait for a read; far beyond what a process can serve. */
const MAX_WAITING_READS = 100_000

/**
 * Reads rows by id, those that are asked for at once in one statement, which begins after they were asked for.
 *
 * @param left whether a row is there but was too large to be read with the others: it is asked for again, behind who waits
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
