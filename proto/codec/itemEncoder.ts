import type { DescField } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

/**
 * Messages that are encoded already, as the items of a repeated field of the message that holds them; then `rest`, the
 * encoded other fields of that message.
 */
export function encodeItems(
  { number }: DescField,
  items: readonly Uint8Array[],
  rest: Uint8Array = NOTHING,
): Buffer {
  const writer = new BinaryWriter()
  for (const item of items) writer.tag(number, WireType.LengthDelimited).bytes(item)
  const bytes = writer.raw(rest).finish()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const NOTHING = new Uint8Array()
