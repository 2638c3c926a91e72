import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf"
import { absentValue, isPlainJson } from "./plainMessage.js"
import {
  hasLength,
  LENGTH_DELIMITED,
  scalarWriter,
  tagged,
  tagWriter,
  tail,
  type Write,
} from "./tailWriters.js"

/**
 * Encodes a message from ProtoJSON with proto field names, the form in which chains are stored, as a field of another message: tag,
 * length and the bytes of `fromJson` and `toBinary`; then `rest`, the other fields, already encoded. Creates no message in between.
 * Returns undefined for anything unusual, especially errors, which is left to `fromJson`.
 */
export function encodeJsonField(field: DescField, json: JsonValue, rest: Uint8Array): Buffer | undefined {
  let write = roots.get(field)
  if (write === undefined) {
    const known = field.fieldKind === "message" && isPlainJson(field.message)
    write = known ? submessageWriter(field.message, field.number) : () => false
    roots.set(field, write)
  }
  tail.clear()
  tail.raw(rest)
  return write(json) ? tail.copy() : undefined
}

const roots = new WeakMap<DescField, Write<unknown>>()

function submessageWriter(schema: DescMessage, number: number): Write<unknown> {
  const write = messageWriter(schema)
  const writeTag = tagWriter(number, LENGTH_DELIMITED)
  return (json) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return false
    const before = tail.length
    if (!write(json as Record<string, unknown>)) return false
    tail.varint(tail.length - before)
    writeTag()
    return true
  }
}

/** Writes fields from last to first, as the tail requires. Unknown keys count as unusual. */
function messageWriter({ fields }: DescMessage): Write<Record<string, unknown>> {
  const writes = [...fields]
    .sort((a, b) => b.number - a.number)
    .map((field) => [field.name, fieldWriter(field)] as const)
  return (json) => {
    let unknown = Object.keys(json).length
    for (const [name, write] of writes) {
      const value = json[name]
      if (value === undefined) continue
      if (!write(value)) return false
      unknown--
    }
    return unknown === 0
  }
}

function fieldWriter(field: DescField): Write<unknown> {
  if (field.fieldKind === "list") return listWriter(field)
  if (field.fieldKind === "message") return submessageWriter(field.message, field.number)
  const write = tagged(valueWriter(field), field.number, hasLength(field.scalar))
  const absent = absentValue(field)
  if (absent === undefined) return write
  const zero = field.fieldKind === "enum" ? field.enum.values[0]?.name : jsonOf(absent)
  return (json) => json === zero || write(json)
}

function jsonOf(scalar: unknown) {
  return typeof scalar === "bigint" ? String(scalar) : scalar
}

function listWriter(field: DescField & { fieldKind: "list" }): Write<unknown> {
  if (field.packed) return packedWriter(field)
  const write =
    field.listKind === "message"
      ? submessageWriter(field.message, field.number)
      : tagged(valueWriter(field), field.number, hasLength(field.scalar))
  return (json) => Array.isArray(json) && eachFromLast(json, write)
}

function packedWriter(field: DescField & { fieldKind: "list" }): Write<unknown> {
  const write = valueWriter(field)
  const writeTag = tagWriter(field.number, LENGTH_DELIMITED)
  return (json) => {
    if (!Array.isArray(json)) return false
    if (json.length === 0) return true
    const before = tail.length
    if (!eachFromLast(json, write)) return false
    tail.varint(tail.length - before)
    writeTag()
    return true
  }
}

function eachFromLast(items: readonly unknown[], write: Write<unknown>) {
  for (let index = items.length - 1; index >= 0; index--) if (!write(items[index])) return false
  return true
}

function valueWriter(field: DescField): Write<unknown> {
  if (field.enum) return enumWriter(field.enum)
  const write = scalarWriter(field.scalar)
  if (field.scalar !== ScalarType.INT64) return write
  return (json) => typeof json === "string" && INTEGER.test(json) && write(BigInt(json))
}

const INTEGER = /^(0|-?[1-9]\d{0,18})$/

function enumWriter({ values }: DescEnum): Write<unknown> {
  const write = scalarWriter(ScalarType.INT32)
  const numbers = new Map<unknown, number>(values.map(({ name, number }) => [name, number]))
  return (json) => write(numbers.get(json))
}
