import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { type BatchCounts, createBatches } from "../database/batches.js"
import type { Database } from "../database/database.js"
import { isDataFault, isUnavailable } from "../database/failures.js"
import { arrayText, type Fragment, rowText, type Sql, timestamptzText } from "../database/sql.js"
import { nowMicros, type RecordRow } from "./rows.js"

/** A document to write, with all that is derived from it. Times are microseconds since 1970. */
export interface Document {
  authorityId: string
  /** ProtoJSON text with proto field names, without control characters. */
  json: string
  /** Size in protobuf's binary form. */
  bytes: number
  chainHash: string
  contentHash: string
  /** The effective expiry. */
  expiresAt: bigint | undefined
  signatureStatus: SignatureStatusText
  /** What the document was judged by. */
  depends: Depends
}

/** As it stands in the row. */
export type SignatureStatusText = "unverified" | "verified"

/** Other rows that were looked at, by id, with the revisions they had then; 0: none was there. */
export interface Depends {
  chains: Record<string, bigint>
  authorities: Record<string, bigint>
}

/** A change of one agent's chain. */
export interface Write {
  operation: "store" | "update" | "delete" | "restore" | "purge"
  agentId: string
  /** A UUID; the same one is never done twice. */
  requestId: string
  actor: string
  expectedRevision: bigint | undefined
  /** For store and update. */
  document?: Document
}

/** How a write was judged; see trust_chains_judge for what each outcome means. */
export interface Outcome {
  outcome:
    | "created"
    | "updated"
    | "deleted"
    | "restored"
    | "purged"
    | "replayed"
    | "unchanged"
    | "reused"
    | "stale"
    | "not_found"
    | "conflict"
    | "inactive"
    | "expired"
    | "revoked"
    | "delegator_revoked"
  /** What was done to the chain under this request_id, now or, for a replay, then. */
  operation: string | null
  /** The record that came of it or stood in its way; none where nothing is stored. */
  record: RecordRow | undefined
  /** Of `delegator_revoked`: the agent above that stands revoked. */
  culprit: string | null
}

/** Most rows of a transaction, and most bytes of documents. */
const BATCH_ROWS = 1_000
/** So many rows the first ones have; where the database is slow, so few. */
const FIRST_ROWS = 128
const LEAST_ROWS = 8
/** A transaction that took longer is followed by smaller ones: all its callers wait for it, and not for ever. */
const SLOW_MS = 400
const BATCH_BYTES = 8 * 1024 * 1024
/** What a write without a document weighs, roughly. */
const ROW_BYTES = 512
/** Most bytes of documents that wait, whatever the number of writes. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024
/** How long a caller that found the queue full should wait. */
const RETRY_AFTER_MS = 500

/**
 * Writes that come at once share a transaction; one agent's are done one after the other, in the order they came.
 * `settled` hears of every agent whose chain may have changed, before the callers do.
 */
export function createWrites(
  database: Database,
  maxWaiting: number,
  settled: (agentIds: string[]) => void,
  counts: BatchCounts,
) {
  let rows = FIRST_ROWS
  return createBatches<Write, Outcome>({
    run: async (writes) => {
      const began = performance.now()
      try {
        return await runBatch(database, writes)
      } finally {
        const slow = performance.now() - began > SLOW_MS
        if (slow) rows = Math.max(LEAST_ROWS, writes.length >> 1)
        else if (writes.length === rows) rows = Math.min(BATCH_ROWS, rows * 2)
        // After a failure too: it may have been committed all the same.
        settled(writes.map(({ agentId }) => agentId))
      }
    },
    keyOf: ({ agentId }) => agentId,
    sizeOf,
    get maxItems() {
      return rows
    },
    maxBytes: BATCH_BYTES,
    atOnce: 1,
    maxWaiting,
    maxWaitingBytes: MAX_WAITING_BYTES,
    full: () =>
      new RegistryError(ErrorReason.OVERLOADED, "as many writes are waiting already as the registry takes", {
        retryAfterMs: RETRY_AFTER_MS,
      }),
    failsAll: isUnavailable,
    counts,
  })
}

/** What a write weighs, in bytes. */
export function sizeOf({ document }: Write): number {
  return ROW_BYTES + (document?.json.length ?? 0)
}

/** A row whose data PostgreSQL refuses must not fail its neighbours: it is looked for by halves. */
async function runBatch(database: Database, writes: Write[]): Promise<(Outcome | Error)[]> {
  try {
    return await database.run((sql, notAfter) => writeChains(sql, writes, notAfter))
  } catch (error) {
    if (!isDataFault(error)) throw error
    if (writes.length === 1) return [error as Error]
    const middle = writes.length >> 1
    const first = await runBatch(database, writes.slice(0, middle))
    return [
      ...first,
      ...(await runBatch(database, writes.slice(middle)).catch((late) =>
        failed(late, writes.length - middle),
      )),
    ]
  }
}

/** The first half is committed, whatever became of the second. */
function failed(error: Error, count: number): Error[] {
  return Array.from({ length: count }, () => error)
}

async function writeChains(sql: Sql, writes: Write[], notAfter: bigint): Promise<Outcome[]> {
  const rows = await sql<WrittenRow[]>`select * from ${writeCall(sql, writes, notAfter)}`
  return rows.map(outcomeOf)
}

/** JSON texts hold control characters only escaped. */
const BETWEEN_DOCUMENTS = "\x1f"

/** The call of trust_chains_write, for a `from`. */
export function writeCall(sql: Sql, writes: Write[], notAfter: bigint): Fragment {
  return sql`
    trust_chains_write(
      ${arrayText(writes.map(fieldsOf))}::text::trust_chain_write[],
      ${writes.map(({ document }) => document?.json ?? "").join(BETWEEN_DOCUMENTS)},
      ${sql.typed.timestamptz(nowMicros())}, ${sql.typed.timestamptz(notAfter)}
    )`
}

/** The fields of trust_chain_write in their order. */
function fieldsOf({ operation, agentId, requestId, actor, expectedRevision, document }: Write): string {
  return rowText([
    operation,
    agentId,
    requestId,
    actor,
    expectedRevision?.toString(),
    document?.authorityId,
    document?.bytes.toString(),
    document?.chainHash,
    document?.contentHash,
    document?.expiresAt === undefined ? undefined : timestamptzText(document.expiresAt),
    document?.signatureStatus,
    document && dependsText(document.depends),
  ])
}

/** A row that trust_chains_write answers. */
export type WrittenRow = Pick<Outcome, "outcome" | "operation" | "culprit"> & Nullable<RecordRow>

/** What such a row says. */
export function outcomeOf(row: WrittenRow): Outcome {
  return {
    outcome: row.outcome,
    operation: row.operation,
    culprit: row.culprit,
    record: row.revision === null ? undefined : (row as RecordRow),
  }
}

type Nullable<Row> = { [Column in keyof Row]: Row[Column] | null }

function dependsText(depends: Depends): string {
  return JSON.stringify(depends, (_, value) => (typeof value === "bigint" ? String(value) : value))
}
