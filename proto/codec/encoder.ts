import { type DescField, type DescMessage, type Message, ScalarType, toBinary } from "@bufbuild/protobuf"
import { absentValue, isPlainField, isPlainMessage } from "./plainMessage.js"
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
 * Encodes a message to the same bytes as `toBinary`, in newly allocated memory. protobuf-es looks up every field in the descriptor
 * for every message; this does so once. Messages that are not plain (see plainMessage.ts), unknown fields and values of a wrong
 * type are left to `toBinary`, including its errors.
 */
export function encodeMessage(schema: DescMessage, message: Message): Buffer {
  if (writeToTail(schema, message)) return tail.copy()
  const bytes = toBinary(schema, message)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The number of bytes that {@link encodeMessage} returns for a message. Throws the same errors. */
export function encodedLength(schema: DescMessage, message: Message): number {
  return writeToTail(schema, message) ? tail.length : toBinary(schema, message).length
}

function writeToTail(schema: DescMessage, message: Message): boolean {
  const write = writerOf(schema)
  tail.clear()
  // The writer was made from the descriptors, which name the properties.
  return write?.(message as unknown as Values) ?? false
}

type Values = Record<string, unknown>
const writers = new WeakMap<DescMessage, Write<Values> | "others">()

function writerOf(schema: DescMessage): Write<Values> | undefined {
  let writer = writers.get(schema)
  if (writer === undefined) {
    writer = isPlainMessage(schema) ? messageWriter(schema) : "others"
    writers.set(schema, writer)
  }
  return writer === "others" ? undefined : writer
}

/** Writes fields from last to first, as the tail requires. */
function messageWriter({ fields }: DescMessage): Write<Values> {
  const writes = [...fields].sort((a, b) => b.number - a.number).map(fieldWriter)
  return (message) => {
    if (message.$unknown !== undefined) return false
    for (const write of writes) if (!write(message)) return false
    return true
  }
}

function fieldWriter(field: DescField): Write<Values> {
  const write = valueWriter(field)
  const name = field.localName
  if (field.fieldKind === "list") {
    return (message) => {
      const list = message[name]
      return Array.isArray(list) && (list.length === 0 || write(list))
    }
  }
  if (field.fieldKind === "map") {
    return (message) => typeof message[name] === "object" && message[name] !== null && write(message[name])
  }
  if (field.oneof) {
    const group = field.oneof.localName
    return (message) => {
      const chosen = message[group] as { case?: string; value?: unknown }
      return chosen.case !== name || write(chosen.value)
    }
  }
  const absent = absentValue(field)
  if (absent instanceof Uint8Array) return (message) => isEmpty(message[name]) || write(message[name])
  return (message) => message[name] === absent || write(message[name])
}

function isEmpty(value: unknown) {
  return value instanceof Uint8Array && value.length === 0
}

function valueWriter(field: DescField): Write<unknown> {
  if (!isPlainField(field)) throw new Error(`${field} is not plain`)
  if (field.fieldKind === "list") return listWriter(field)
  if (field.fieldKind === "map") return mapWriter(field.number)
  if (field.fieldKind === "message") return submessageWriter(field.message, field.number)
  const write = scalarWriter(field.fieldKind === "enum" ? ScalarType.INT32 : field.scalar)
  return tagged(write, field.number, hasLength(field.scalar))
}

function listWriter(field: DescField & { fieldKind: "list" }): Write<unknown> {
  if (field.packed) return packedWriter(field)
  const write =
    field.listKind === "message"
      ? submessageWriter(field.message, field.number)
      : tagged(scalarWriter(field.scalar), field.number, hasLength(field.scalar))
  return (list) => {
    const items = list as unknown[]
    for (let index = items.length - 1; index >= 0; index--) if (!write(items[index])) return false
    return true
  }
}

function packedWriter(field: DescField & { fieldKind: "list" }): Write<unknown> {
  const write = scalarWriter(field.listKind === "enum" ? ScalarType.INT32 : field.scalar)
  const writeTag = tagWriter(field.number, LENGTH_DELIMITED)
  return (list) => {
    const before = tail.length
    for (const item of [...(list as unknown[])].reverse()) if (!write(item)) return false
    tail.varint(tail.length - before)
    writeTag()
    return true
  }
}

/** A map of strings by strings. An entry is a message with the key in field 1 and the value in field 2. */
function mapWriter(number: number): Write<unknown> {
  const writeKey = tagged(scalarWriter(ScalarType.STRING), 1, true)
  const writeValue = tagged(scalarWriter(ScalarType.STRING), 2, true)
  const writeTag = tagWriter(number, LENGTH_DELIMITED)
  return (map) => {
    for (const [key, value] of Object.entries(map as object).reverse()) {
      const before = tail.length
      if (!writeValue(value) || !writeKey(key)) return false
      tail.varint(tail.length - before)
      writeTag()
    }
    return true
  }
}

function submessageWriter(schema: DescMessage, number: number): Write<unknown> {
  const write = writerOf(schema) as Write<Values>
  const writeTag = tagWriter(number, LENGTH_DELIMITED)
  const { typeName } = schema
  return (value) => {
    if ((value as Values | undefined)?.$typeName !== typeName) return false
    const before = tail.length
    if (!write(value as Values)) return false
    tail.varint(tail.length - before)
    writeTag()
    return true
  }
}
