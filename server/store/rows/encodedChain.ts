import type { JsonValue } from "@bufbuild/protobuf"
import { encode, encodeJsonField, StoredChainSchema } from "@trust-registry/proto"
import { type ChainRow, chainOf, type RecordRow, recordOf } from "./chainRows.js"

/**
 * The StoredChain of a row in binary form. A document in the form that the server writes is encoded without a message in between,
 * which saves most of the time of a read from the database. Throws an Error like {@link chainOf}.
 */
export function encodedStored(row: RecordRow & Pick<ChainRow, "chain_data">): Buffer {
  const record = recordOf(row)
  const document = row.chain_data as { genesis?: { agent_id?: unknown } } | null
  const encoded =
    document?.genesis?.agent_id === row.agent_id
      ? encodeJsonField(StoredChainSchema.field.chain, row.chain_data, encode(StoredChainSchema, { record }))
      : undefined
  return encoded ?? encode(StoredChainSchema, { record, chain: chainOf(row) })
}

/**
 * The StoredChain of a row for pages and streams, which one bad document must not end: without a document it has only the record,
 * with one that does not parse it is `unreadable`, and with one of more than `maxBytes` it has its size.
 */
export function encodedListed(
  row: RecordRow & { chain_data: JsonValue | null },
  maxBytes = Number.POSITIVE_INFINITY,
): Buffer {
  const { chain_data } = row
  if (chain_data === null) return encode(StoredChainSchema, { record: recordOf(row) })
  try {
    const encoded = encodedStored({ ...row, chain_data })
    return encoded.length <= maxBytes ? encoded : encodedTooLarge(row, encoded.length)
  } catch {
    return encode(StoredChainSchema, { record: recordOf(row), unreadable: true })
  }
}

/** The StoredChain of a row whose chain is left out because of its size in bytes. */
export function encodedTooLarge(row: RecordRow, bytes: number): Buffer {
  return encode(StoredChainSchema, { record: recordOf(row), tooLargeBytes: BigInt(bytes) })
}
