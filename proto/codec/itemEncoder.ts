import type { DescField } from "@bufbuild/protobuf"
import { LENGTH_DELIMITED, tagWriter, tail } from "./tailWriters.js"

/**
 * Messages that are in binary form already, as the items of a repeated field in the binary form of the message that holds them;
 * then `rest`, which holds more of its fields.
 */
export function encodeItems(
  { number }: DescField,
  items: readonly Uint8Array[],
  rest: Uint8Array = NOTHING,
): Buffer {
  const writeTag = tagWriter(number, LENGTH_DELIMITED)
  tail.clear()
  tail.raw(rest)
  for (const item of items.toReversed()) {
    tail.raw(item)
    tail.varint(item.length)
    writeTag()
  }
  return tail.copy()
}

const NOTHING = new Uint8Array()
