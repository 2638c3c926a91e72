import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"

/**
 * Counts the fields and items of an encoded message, including those of nested messages, which count as two, and unknown ones; stops above
 * `most`. Two million of them fit in 4 MiB, and decoding each to an object would block the server for seconds. Malformed
 * bytes are counted as far as they can be read.
 */
export function countFields(desc: DescMessage, bytes: Uint8Array, most: number): number {
  let count = 0
  const walk = (message: DescMessage, start: number, end: number) => {
    const fields = fieldsOf(message)
    let at = start
    const varint = () => {
      let value = 0
      for (let shift = 0; at < end; shift += 7) {
        const byte = bytes[at++] as number
        // A number beyond 28 bits is neither a length that matters here nor the number of a known field.
        if (shift < 28) value |= (byte & 0x7f) << shift
        if (byte < 0x80) return value
      }
      return value
    }
    while (at < end && count <= most) {
      const tag = varint()
      count++
      const wireType = tag & 7
      if (wireType === VARINT) varint()
      else if (wireType === FIXED64) at += 8
      else if (wireType === FIXED32) at += 4
      else if (wireType === LENGTH) {
        const length = varint()
        const inside = fields.get(tag >>> 3)
        if (inside === PACKED) count += length
        else if (inside) {
          // An object takes several times as long as a text.
          count++
          walk(inside, at, Math.min(at + length, end))
        }
        at += length
      } else if (wireType > GROUP_END) return
    }
  }
  walk(desc, 0, bytes.length)
  return count
}

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const GROUP_END = 4
const FIXED32 = 5

/** A packed list of numbers, at least a byte each. */
const PACKED = "packed"

type Inside = DescMessage | typeof PACKED
const known = new Map<DescMessage, ReadonlyMap<number, Inside>>()

function fieldsOf(message: DescMessage): ReadonlyMap<number, Inside> {
  let fields = known.get(message)
  if (!fields) {
    fields = new Map(
      message.fields.flatMap((field) => {
        const inside = insideOf(field)
        return inside ? [[field.number, inside] as const] : []
      }),
    )
    known.set(message, fields)
  }
  return fields
}

function insideOf(field: DescField): Inside | undefined {
  if (field.message) return field.message
  if (field.fieldKind !== "list") return undefined
  const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES
  return isText ? undefined : PACKED
}
