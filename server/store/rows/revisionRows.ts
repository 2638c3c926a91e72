import type { JsonValue } from "@bufbuild/protobuf"
import { type ChainEventSchema, type ChainRevisionSchema, encode, Operation } from "@trust-registry/proto"
import { type RecordRow, recordOf } from "./chainRows.js"
import { encodedWithChain } from "./encodedChain.js"

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
  | "removed"
  | "revocations_changed"

/** A row of the history as a message in binary form, with its document if it has one that parses. */
export function encodedChange(
  schema: typeof ChainEventSchema | typeof ChainRevisionSchema,
  row: RevisionRow,
  operation: Operation = OPERATIONS[row.operation],
): Buffer {
  const { chain_data, agent_id } = row
  const told = { operation, record: recordOf(row), requestId: row.request_id }
  if (chain_data === null) return encode(schema, told)
  try {
    return encodedWithChain(schema, { agent_id, chain_data }, told)
  } catch {
    return encode(schema, { ...told, unreadable: true })
  }
}

/** The kinds of change as the contract names them. */
export const OPERATIONS: Readonly<Record<OperationText, Operation>> = {
  created: Operation.CREATED,
  updated: Operation.UPDATED,
  deleted: Operation.DELETED,
  restored: Operation.RESTORED,
  suspended: Operation.SUSPENDED,
  revoked: Operation.REVOKED,
  removed: Operation.REMOVED,
  revocations_changed: Operation.REVOCATIONS_CHANGED,
}
