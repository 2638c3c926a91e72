import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { createBatches } from "../database/batches.js"
import type { Database } from "../database/database.js"
import { isUnavailable } from "../database/failures.js"
import type { Sql } from "../database/sql.js"
import type { RecordRow } from "./rows.js"
import { type Outcome, outcomeOf, sizeOf, type Write, type WrittenRow, writeCall } from "./writes.js"

/** Most bytes of batches that wait. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** Most batches that wait. */
const MAX_WAITING = 100
/** How long a caller that found the queue full should wait. */
const RETRY_AFTER_MS = 500

/** The result of writes that are done together or not at all: all outcomes, or nothing but those refused, by their place. */
export type AtomicOutcome =
  | { outcomes: Outcome[]; refused?: undefined }
  | { refused: Map<number, Outcome>; outcomes?: undefined }

/**
 * Writes of many agents in one transaction each, one after the other: the lock lets no two commit at once, and waiting for
 * it they would use up the connections.
 */
export function createAtomicWrites(database: Database, settled: (agentIds: string[]) => void) {
  return createBatches<Write[], AtomicOutcome>({
    run: async ([writes = []]) => {
      try {
        return [await database.run((sql, notAfter) => writeTogether(sql, writes, notAfter))]
      } finally {
        settled(writes.map(({ agentId }) => agentId))
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

async function writeTogether(sql: Sql, writes: Write[], notAfter: bigint): Promise<AtomicOutcome> {
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
    return { outcomes: rows.map(outcomeOf) }
  } catch (error) {
    const { code, detail } = error as { code?: unknown; detail?: unknown }
    if (code !== REFUSED) throw error
    return { refused: refusedIn(String(detail)) }
  }
}

/** See trust_chains_all_or_nothing. */
const REFUSED = "TR001"

interface Refused extends Pick<Outcome, "outcome" | "culprit"> {
  position: number
  revision: number | null
  status: RecordRow["status"] | null
}

/** Of the record that stands in the way, what a refusal tells. */
function refusedIn(detail: string): Map<number, Outcome> {
  const refused = JSON.parse(detail) as Refused[]
  return new Map(
    refused.map(({ position, outcome, culprit, revision, status }) => {
      const record = revision === null ? undefined : ({ revision: BigInt(revision), status } as RecordRow)
      return [position - 1, { outcome, culprit, operation: null, record }]
    }),
  )
}
