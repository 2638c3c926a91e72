import type { DescField, DescMessage, MessageInitShape } from "@bufbuild/protobuf"
import { encode, encodeJsonField } from "@trust-registry/proto"
import { type ChainRow, chainOf } from "./chainRows.js"

/**
 * A message in binary form, with the chain of a row in its field `chain` and `rest` in its other fields. A document in the form that
 * the server writes is encoded without a message in between. Throws an Error like {@link chainOf}.
 */
export function encodedWithChain<Schema extends DescMessage & { field: { chain: DescField } }>(
  schema: Schema,
  row: Pick<ChainRow, "agent_id" | "chain_data">,
  rest: MessageInitShape<Schema>,
): Buffer {
  const document = row.chain_data as { genesis?: { agent_id?: unknown } } | null
  const encoded =
    document?.genesis?.agent_id === row.agent_id
      ? encodeJsonField(schema.field.chain, row.chain_data, encode(schema, rest))
      : undefined
  return encoded ?? encode(schema, { ...rest, chain: chainOf(row) } as MessageInitShape<Schema>)
}
