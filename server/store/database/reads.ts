import type { ByteAccount } from "../../async/byteAccount.js"
import { createBatches } from "./batches.js"
import { databaseUnavailable, isUnavailable } from "./failures.js"

/** Most ids of one statement, and most such statements at once. */
const READ_KEYS = 100
const READS_AT_ONCE = 2
/** Most callers that may wait for a read: far more than a process can serve. */
const MAX_WAITING_READS = 100_000

/** A read by id that waits for its statement. */
export interface Reading {
  /** Called when its statement is about to start; false if nobody waits for the row any more. */
  begin(): boolean
}

/** How rows are read by id. */
export interface ReadsOptions<Row> {
  /** Reads the rows of these ids, in one statement. */
  read: (ids: string[]) => Promise<Row[]>
  idOf: (row: Row) => string
  /** Whether a row exists but did not fit in the answer: it is read again, behind those that wait. */
  left?: (row: Row) => boolean
  /** What so many rows may take; a statement starts when there is room for them. By default nothing. */
  room?: { account: ByteAccount | undefined; bytes: (ids: number) => number }
}

/** Batches concurrent reads by id into one statement, which starts after they were asked for. */
export function createReads<Row>({
  read,
  idOf,
  left = () => false,
  room,
}: ReadsOptions<Row>): (id: string, reading?: Reading) => Promise<Row | undefined> {
  const readRows = async (ids: string[]) => {
    const bytes = room?.bytes(ids.length) ?? 0
    await room?.account?.take(bytes, "answer")
    try {
      return await read(ids)
    } finally {
      room?.account?.give(bytes)
    }
  }
  const readSoon = createBatches<{ id: string; reading: Reading }, Row | undefined>({
    run: async (asked) => {
      const wanted = new Set(asked.filter(({ reading }) => reading.begin()).map(({ id }) => id))
      const found = wanted.size === 0 ? [] : await readRows([...wanted])
      const rows = new Map(found.map((row) => [idOf(row), row]))
      return asked.map(({ id }) => (wanted.has(id) ? rows.get(id) : new Error("nobody waits for this row")))
    },
    keyOf: ({ id }) => id,
    sizeOf: () => 0,
    maxItems: READ_KEYS,
    maxBytes: Number.POSITIVE_INFINITY,
    atOnce: READS_AT_ONCE,
    maxWaiting: MAX_WAITING_READS,
    maxWaitingBytes: Number.POSITIVE_INFINITY,
    full: () => databaseUnavailable(`${MAX_WAITING_READS} reads are waiting already`),
    failsAll: isUnavailable,
  })
  return async (id, reading = WANTED) => {
    for (;;) {
      const row = await readSoon({ id, reading })
      if (row === undefined || !left(row)) return row
    }
  }
}

const WANTED: Reading = { begin: () => true }
