import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { type BatchCounts, createBatches } from "../database/batches.js"
import type { Database } from "../database/database.js"
import { isDataFault, isUnavailable } from "../database/failures.js"
import { mixedUp, ofKeys } from "../database/keyed.js"
import { arrayText, type Fragment, rowText, type Sql, timestamptzText } from "../database/sql.js"
import type { RecordRow } from "../rows/chainRows.js"
import { FIRST_BATCH_ROWS, nextBatchRows } from "./batchRows.js"

/** A document to write, with everything derived from it. Times are microseconds since 1970. */
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
  /** What the document was validated against. */
  depends: Depends
}

/** The signature status as the row stores it. */
export type SignatureStatusText = "unverified" | "verified"

/** Other rows that were read, by id, with the revisions they had; 0 if there was none. Maps: an id may be `constructor`. */
export interface Depends {
  chains: ReadonlyMap<string, bigint>
  authorities: ReadonlyMap<string, bigint>
}

/** What a new chain may do to the stored one. */
export interface Replacement {
  /** It may replace a VERIFIED chain without being so. */
  allowUnverified: boolean
  /** It may have another genesis authority. */
  allowNewAuthority: boolean
}

/** What an archive has of an agent: its chain in one of these states, or that it was purged. */
export type ArchivedState = "active" | "deleted" | "suspended" | "revoked" | "purged"

/** A change of one agent's chain. */
export interface Write {
  operation: "store" | "update" | "delete" | "restore" | "purge" | `import_${ArchivedState}`
  agentId: string
  /** A UUID. A request is never applied twice. */
  requestId: string
  actor: string
  expectedRevision: bigint | undefined
  /** For store, update, and imports other than of what was purged. */
  document?: Document
  /** For restore: what the stored document was validated against. */
  depends?: Depends
  /** For store and update: what it may do to a stored chain. */
  allowed?: Replacement
  /** For imports of what was purged. */
  tombstone?: Pick<Document, "authorityId" | "chainHash" | "contentHash">
}

/** The outcome of a write; see trust_chains_judge and trust_chains_import for what each means. */
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
    | "unverifies"
    | "moves"
    | "keeps_delegated"
  /** What this request did to the chain, now or, for a replay, when it was first applied. */
  operation: string | null
  /** The record after the write, or the one in its way; undefined if none is stored. */
  record: RecordRow | undefined
  /** For `delegator_revoked`: the revoked delegator. For `moves`: the genesis authority of the stored chain. For `keeps_delegated`:
   * the ids of a delegation and a capability, each as JSON with a space between. */
  culprit: string | null
}

/** Most bytes of documents of a transaction. */
const BATCH_BYTES = 8 * 1024 * 1024
/** The size of a write besides its document, roughly. */
const ROW_BYTES = 512
/** Most bytes of waiting writes. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024
/** How long a caller that finds the queue full should wait. */
const RETRY_AFTER_MS = 500

/** The function that makes writes: imports of what archives have are judged by rules of their own. */
export type WriteFunction = "trust_chains_write" | "trust_chains_import"

/**
 * Batches concurrent writes into one transaction. Writes of one agent are applied one after the other, in the order they came.
 *
 * @param onWritten called with the agents whose chains may have changed, before the callers get the outcomes
 */
export function createWrites(
  database: Database,
  maxWaiting: number,
  onWritten: (agentIds: string[]) => void,
  counts: BatchCounts,
  by: WriteFunction = "trust_chains_write",
) {
  let rows = FIRST_BATCH_ROWS
  return createBatches<Write, Outcome>({
    run: async (writes) => {
      const began = performance.now()
      try {
        return await runBatch(database, writes, by)
      } finally {
        rows = nextBatchRows(rows, writes.length, performance.now() - began)
        // After a failure too, because the transaction may have been committed.
        onWritten(writes.map(({ agentId }) => agentId))
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

/** The size of a write, in bytes. */
export function sizeOf({ document }: Write): number {
  return ROW_BYTES + (document?.json.length ?? 0)
}

/** A row whose data PostgreSQL refuses must not fail the others of its batch: it is searched for by halves. */
async function runBatch(
  database: Database,
  writes: Write[],
  by: WriteFunction,
): Promise<(Outcome | Error)[]> {
  try {
    return await database.run((sql, notAfter) => writeChains(sql, writes, notAfter, by))
  } catch (error) {
    if (!isDataFault(error)) throw error
    if (writes.length === 1) return [error as Error]
    const middle = writes.length >> 1
    const first = await runBatch(database, writes.slice(0, middle), by)
    return [
      ...first,
      ...(await runBatch(database, writes.slice(middle), by).catch((late) =>
        failed(late, writes.length - middle),
      )),
    ]
  }
}

/** The first half is committed, whatever became of the second. */
function failed(error: Error, count: number): Error[] {
  return Array.from({ length: count }, () => error)
}

async function writeChains(
  sql: Sql,
  writes: Write[],
  notAfter: bigint,
  by: WriteFunction,
): Promise<Outcome[]> {
  const rows = await sql<WrittenRow[]>`select * from ${writeCall(sql, writes, notAfter, by)}`
  return outcomesOf(rows, writes)
}

/** The outcomes of the writes, in their order. */
export function outcomesOf(rows: WrittenRow[], writes: Write[]): Outcome[] {
  const agents = writes.map(({ agentId }) => agentId)
  if (rows.length !== writes.length) throw mixedUp()
  for (const [place, row] of rows.entries())
    ofKeys([row], agents.slice(place, place + 1), ({ agent_id }) => agent_id)
  return rows.map(outcomeOf)
}

/** JSON text has no raw control characters. */
const BETWEEN_DOCUMENTS = "\x1f"

/** The call of the function that writes, for a `from`. */
export function writeCall(
  sql: Sql,
  writes: Write[],
  notAfter: bigint,
  by: WriteFunction = "trust_chains_write",
): Fragment {
  return sql`
    ${sql(by)}(
      ${arrayText(writes.map(fieldsOf))}::text::trust_chain_write[],
      ${writes.map(({ document }) => document?.json ?? "").join(BETWEEN_DOCUMENTS)},
      clock_timestamp(), ${sql.typed.timestamptz(notAfter)}
    )`
}

/** The fields of trust_chain_write in their order. */
function fieldsOf(write: Write): string {
  const { operation, agentId, requestId, actor, expectedRevision, document, tombstone, allowed } = write
  const depends = document?.depends ?? write.depends
  const { authorityId, chainHash, contentHash } = document ?? tombstone ?? {}
  return rowText([
    operation,
    agentId,
    requestId,
    actor,
    expectedRevision?.toString(),
    authorityId,
    document?.bytes.toString(),
    chainHash,
    contentHash,
    document?.expiresAt === undefined ? undefined : timestamptzText(document.expiresAt),
    document?.signatureStatus,
    depends && dependsText(depends),
    String(allowed?.allowUnverified ?? false),
    String(allowed?.allowNewAuthority ?? false),
  ])
}

/** A row of the answer of trust_chains_write. */
export type WrittenRow = Pick<Outcome, "outcome" | "operation" | "culprit"> & Nullable<RecordRow>

/** The outcome in such a row. */
export function outcomeOf(row: WrittenRow): Outcome {
  return {
    outcome: row.outcome,
    operation: row.operation,
    culprit: row.culprit,
    record: row.revision === null ? undefined : (row as RecordRow),
  }
}

/** The columns of an outer join. */
export type Nullable<Row> = { [Column in keyof Row]: Row[Column] | null }

function dependsText({ chains, authorities }: Depends): string {
  return JSON.stringify({ chains: revisionTexts(chains), authorities: revisionTexts(authorities) })
}

function revisionTexts(revisions: ReadonlyMap<string, bigint>) {
  // Defines `__proto__` as a member like any other, which assigning would not.
  return Object.fromEntries(Array.from(revisions, ([id, revision]) => [id, String(revision)]))
}
