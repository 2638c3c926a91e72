import { ScalarType } from "@bufbuild/protobuf"
import { Tail } from "./tail.js"

/** The buffer shared by all encoders, which is safe because they run synchronously from `clear` to `copy`. */
export const tail = new Tail()

/** Writes to the tail; false leaves the whole message to protobuf-es. */
export type Write<Value> = (value: Value) => boolean

/** Writes a value after its tag and, where it has one, its length. */
export function tagged(write: Write<unknown>, number: number, withLength: boolean): Write<unknown> {
  const writeTag = tagWriter(number, withLength ? LENGTH_DELIMITED : VARINT)
  return (value) => {
    const before = tail.length
    if (!write(value)) return false
    if (withLength) tail.varint(tail.length - before)
    writeTag()
    return true
  }
}

/** Whether a value of this type is preceded by its length. */
export function hasLength(scalar: ScalarType | undefined): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES
}

const VARINT = 0
/** The wire type of values that are preceded by their length. */
export const LENGTH_DELIMITED = 2

/** Writes the tag of a field. */
export function tagWriter(number: number, wireType: number) {
  const tag = (number << 3) | wireType
  return tag < 0x80 ? () => tail.byte(tag) : () => tail.varint(tag)
}

/** Writes a value of a type that plainMessage.ts accepts. */
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
