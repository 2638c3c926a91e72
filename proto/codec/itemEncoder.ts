import type { DescField } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

/**
 * Encodes a message from the already encoded items of its repeated field, followed by `rest`, its other fields, also encoded.
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
