import { ScalarType } from "@bufbuild/protobuf"
import { Tail } from "./tail.js"

/** Where everything is encoded, one after the other: nothing else runs between `clear` and `copy`. */
export const tail = new Tail()

/** Writes to the tail; gives false for what it leaves to protobuf-es. */
export type Write<Value> = (value: Value) => boolean

/** Writes a value behind its tag and, where it has one, its length. */
export function tagged(write: Write<unknown>, number: number, hasLength: boolean): Write<unknown> {
  const writeTag = tagWriter(number, hasLength ? LENGTH_DELIMITED : VARINT)
  return (value) => {
    const before = tail.length
    if (!write(value)) return false
    if (hasLength) tail.varint(tail.length - before)
    writeTag()
    return true
  }
}

const VARINT = 0
/** The wire type of what has a length before it. */
export const LENGTH_DELIMITED = 2

/** Writes the tag of a field. */
export function tagWriter(number: number, wireType: number) {
  const tag = (number << 3) | wireType
  return tag < 0x80 ? () => tail.byte(tag) : () => tail.varint(tag)
}

/** Writes a value of a type that plainMessage.ts lets through. */
export function scalarWriter(scalar: ScalarType | undefined): Write<unknown> {
  switch (scalar) {
    case ScalarType.STRING:
      return (value) => {
        if (typeof value !== "string") return false
        tail.text(value)
        return true
      }
    case ScalarType.BYTES:
      return (value) => {
        if (!(value instanceof Uint8Array)) return false
        tail.raw(value)
        return true
      }
    case ScalarType.BOOL:
      return (value) => {
        if (typeof value !== "boolean") return false
        tail.byte(value ? 1 : 0)
        return true
      }
    case ScalarType.INT64:
      return (value) => {
        if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) return false
        tail.varint64(value)
        return true
      }
    default:
      // Negative numbers take ten bytes and are rare.
      return (value) => {
        if (typeof value !== "number" || (value | 0) !== value || value < 0) return false
        tail.varint(value)
        return true
      }
  }
}
