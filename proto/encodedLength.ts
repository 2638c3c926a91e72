import { type DescField, type DescMessage, type Message, ScalarType, toBinary } from "@bufbuild/protobuf"
import { absentValue, isAbsent, isPlainMessage } from "./plainMessage.js"
import { varintLength } from "./tail.js"

/**
 * How many bytes a message has in binary form, without encoding it, which takes several times as long. What is not plain
 * (see plainMessage.ts), or of a wrong type, is encoded all the same, and throws what `toBinary` throws.
 */
export function encodedLength(schema: DescMessage, message: Message): number {
  const bytes = sizerOf(schema)(message as unknown as Values)
  return Number.isNaN(bytes) ? toBinary(schema, message).length : bytes
}

type Values = Record<string, unknown>
/** Bytes of a value. NaN, which spoils every sum that it is in, where only protobuf-es knows. */
type Size<Value = unknown> = (value: Value) => number

const sizers = new WeakMap<DescMessage, Size<Values>>()

function sizerOf(schema: DescMessage): Size<Values> {
  let sizer = sizers.get(schema)
  if (sizer === undefined) {
    sizer = isPlainMessage(schema) ? messageSizer(schema) : () => Number.NaN
    sizers.set(schema, sizer)
  }
  return sizer
}

function messageSizer({ typeName, fields }: DescMessage): Size<Values> {
  const sizes = fields.map(fieldSizer)
  return (message) => {
    if (message?.$typeName !== typeName) return Number.NaN
    let bytes = message.$unknown === undefined ? 0 : unknownSize(message.$unknown as Unknown)
    for (const size of sizes) bytes += size(message)
    return bytes
  }
}

type Unknown = NonNullable<Message["$unknown"]>

function unknownSize(fields: Unknown): number {
  return fields.reduce((bytes, { no, data }) => bytes + tagSize(no) + data.length, 0)
}

function tagSize(number: number): number {
  return varintLength((number << 3) >>> 0)
}

function fieldSizer(field: DescField): Size<Values> {
  const name = field.localName
  const tag = tagSize(field.number)
  if (field.fieldKind === "map") return (message) => mapSize(message[name], tag)
  const size = valueSizer(field)
  if (field.fieldKind === "list") {
    const sizeAll = field.packed ? packedSize : listSize
    return (message) => sizeAll(message[name], tag, size)
  }
  if (field.oneof) {
    const group = field.oneof.localName
    return (message) => {
      const chosen = message[group] as { case?: string; value?: unknown }
      return chosen.case === name ? tag + size(chosen.value) : 0
    }
  }
  const absent = absentValue(field)
  return (message) => {
    const value = message[name]
    return isAbsent(value, absent) ? 0 : tag + size(value)
  }
}

function listSize(list: unknown, tag: number, size: Size): number {
  if (!Array.isArray(list)) return Number.NaN
  let bytes = tag * list.length
  for (const item of list) bytes += size(item)
  return bytes
}

function packedSize(list: unknown, tag: number, size: Size): number {
  const bytes = listSize(list, 0, size)
  return bytes === 0 ? 0 : tag + withLength(bytes)
}

/** Of texts by texts. An entry is a message whose key is its field 1 and whose value is its field 2. */
function mapSize(map: unknown, tag: number): number {
  if (typeof map !== "object" || map === null) return Number.NaN
  let bytes = 0
  for (const [key, value] of Object.entries(map))
    bytes += tag + withLength(2 + textSize(key) + textSize(value))
  return bytes
}

function withLength(bytes: number): number {
  return varintLength(bytes) + bytes
}

function valueSizer(field: DescField): Size {
  if (field.message) {
    const size = sizerOf(field.message) as Size
    return (value) => withLength(size(value))
  }
  if (field.scalar === ScalarType.STRING) return textSize
  if (field.scalar === ScalarType.BYTES) return bytesSize
  if (field.scalar === ScalarType.BOOL) return (value) => (typeof value === "boolean" ? 1 : Number.NaN)
  return field.scalar === ScalarType.INT64 ? int64Size : int32Size
}

function textSize(value: unknown): number {
  return typeof value === "string" ? withLength(Buffer.byteLength(value)) : Number.NaN
}

function bytesSize(value: unknown): number {
  return value instanceof Uint8Array ? withLength(value.length) : Number.NaN
}

/** Negative numbers are written in 64 bits, which take ten bytes. */
function int32Size(value: unknown): number {
  if (typeof value !== "number" || (value | 0) !== value) return Number.NaN
  return value < 0 ? 10 : varintLength(value)
}

function int64Size(value: unknown): number {
  if (typeof value !== "bigint") return Number.NaN
  let bytes = 1
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) bytes++
  return bytes
}
