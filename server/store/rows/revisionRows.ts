import type { JsonValue } from "@bufbuild/protobuf"
import { ChainOperation, ChainRevisionSchema, encode, encodeItems } from "@trust-registry/proto"
import type { RecordRow } from "./chainRows.js"
import { encodedListed } from "./encodedChain.js"

/** A change in a chain's history: the record after it, and the document unless that was purged or not asked for. */
export interface RevisionRow extends RecordRow {
  operation: OperationText
  request_id: string
  chain_data: JsonValue | null
}

/** The kind of a change, as trust_chain_revisions stores it. */
export type OperationText =
  | "created"
  | "updated"
  | "deleted"
  | "restored"
  | "suspended"
  | "revoked"
  | "purged"
  | "revocations_changed"

/** The ChainRevision of a row in binary form, with its document if it has one that parses. */
export function encodedRevision(row: RevisionRow, stored: Buffer = encodedListed(row)): Buffer {
  const rest = encode(ChainRevisionSchema, {
    operation: OPERATIONS[row.operation],
    requestId: row.request_id,
  })
  return encodeItems(ChainRevisionSchema.field.stored, [stored], rest)
}

/** The kinds of change as the contract names them. */
const OPERATIONS: Readonly<Record<OperationText, ChainOperation>> = {
  created: ChainOperation.CREATED,
  updated: ChainOperation.UPDATED,
  deleted: ChainOperation.DELETED,
  restored: ChainOperation.RESTORED,
  suspended: ChainOperation.SUSPENDED,
  revoked: ChainOperation.REVOKED,
  purged: ChainOperation.PURGED,
  revocations_changed: ChainOperation.REVOCATIONS_CHANGED,
}
