import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { createBatches } from "../database/batches.js"
import type { Database } from "../database/database.js"
import { isUnavailable } from "../database/failures.js"
import type { Sql } from "../database/sql.js"
import type { RecordRow } from "../rows/chainRows.js"
import { type Outcome, outcomesOf, sizeOf, type Write, type WrittenRow, writeCall } from "./writes.js"

/** Most bytes of waiting batches. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** Most waiting batches. */
const MAX_WAITING = 100
/** How long a caller that finds the queue full should wait. */
const RETRY_AFTER_MS = 500

/** The outcomes of writes that are all or none: either of all of them, or of the refused ones by their index. */
export type AtomicOutcome =
  | { outcomes: Outcome[]; refused?: undefined }
  | { refused: Map<number, Outcome>; outcomes?: undefined }

/**
 * Writes batches of several agents' changes, each in one transaction, one after the other: the lock lets only one commit at a time,
 * and transactions that wait for it would use up the connections.
 *
 * @param onWritten called with the agents whose chains may have changed, before the caller gets the outcomes
 */
export function createAtomicWrites(database: Database, onWritten: (agentIds: string[]) => void) {
  return createBatches<Write[], AtomicOutcome>({
    run: async ([writes = []]) => {
      try {
        return [await database.run((sql, notAfter) => writeAll(sql, writes, notAfter))]
      } finally {
        onWritten(writes.map(({ agentId }) => agentId))
      }
    },
    keyOf: () => "",
    sizeOf: (writes) => writes.reduce((bytes, write) => bytes + sizeOf(write), 0),
    maxItems: 1,
    maxBytes: Number.POSITIVE_INFINITY,
    atOnce: 1,
    maxWaiting: MAX_WAITING,
    maxWaitingBytes: MAX_WAITING_BYTES,
    full: () =>
      new RegistryError(ErrorReason.OVERLOADED, "as many batches are waiting already as the registry takes", {
        retryAfterMs: RETRY_AFTER_MS,
      }),
    failsAll: isUnavailable,
  })
}

async function writeAll(sql: Sql, writes: Write[], notAfter: bigint): Promise<AtomicOutcome> {
  try {
    const rows = await sql<WrittenRow[]>`
      with written as materialized (
        select * from ${writeCall(sql, writes, notAfter)}
      ), done as materialized (
        select trust_chains_all_or_nothing(jsonb_agg(jsonb_build_object('position', position, 'outcome', outcome,
          'revision', revision, 'status', case when revokes_at <= now() then 'revoked' else status end,
          'culprit', culprit))) as all_of_it
        from written
      )
      select written.* from written, done where all_of_it order by position`
    return { outcomes: outcomesOf(rows, writes) }
  } catch (error) {
    const { code, detail } = error as { code?: unknown; detail?: unknown }
    if (code !== REFUSED) throw error
    return { refused: refusedIn(String(detail)) }
  }
}

/** The SQLSTATE that trust_chains_all_or_nothing raises, with the refused writes as its detail. */
const REFUSED = "TR001"

interface Refused extends Pick<Outcome, "outcome" | "culprit"> {
  position: number
  revision: number | null
  status: RecordRow["status"] | null
}

/** The refused writes; of the record in the way they have only what an error says. */
function refusedIn(detail: string): Map<number, Outcome> {
  const refused = JSON.parse(detail) as Refused[]
  return new Map(
    refused.map(({ position, outcome, culprit, revision, status }) => {
      const record = revision === null ? undefined : ({ revision: BigInt(revision), status } as RecordRow)
      return [position - 1, { outcome, culprit, operation: null, record }]
    }),
  )
}
