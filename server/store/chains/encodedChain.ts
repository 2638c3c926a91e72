import type { JsonValue } from "@bufbuild/protobuf"
import { encode, encodeJsonField, StoredChainSchema } from "@trust-registry/proto"
import { type ChainRow, chainOf, type RecordRow, recordOf } from "./rows.js"

/**
 * The StoredChain of a row in binary form. Makes no message of a document that is as the server writes it, which saves most of
 * the time of a read from the database. Throws an Error as {@link chainOf} does.
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
 * The same for pages and streams, which one bad document must not end: a row without a document gives its record alone, and one
 * whose document does not parse is `unreadable`.
 */
export function encodedListed(row: RecordRow & { chain_data: JsonValue | null }): Buffer {
  const { chain_data } = row
  if (chain_data === null) return encode(StoredChainSchema, { record: recordOf(row) })
  try {
    return encodedStored({ ...row, chain_data })
  } catch {
    return encode(StoredChainSchema, { record: recordOf(row), unreadable: true })
  }
}
