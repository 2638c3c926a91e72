import { isUtf8 } from "node:buffer"
import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf"
import { absentValue, isPlainMessage } from "./plainMessage.js"
import { hasLength, LENGTH_DELIMITED } from "./tailWriters.js"

/**
 * Decodes a message like `fromBinary`, but looks up each field once instead of for every message. Unknown fields, messages in
 * several parts, invalid UTF-8 and malformed bytes are left to `fromBinary`, including its errors.
 */
export function decodeMessage<Schema extends DescMessage>(
  schema: Schema,
  bytes: Buffer,
): MessageShape<Schema> {
  return decodeUsual(schema, bytes) ?? fromBinary(schema, bytes)
}

/** The same, but undefined for what would be left to `fromBinary`, which takes several times as long. */
export function decodeUsual<Schema extends DescMessage>(
  schema: Schema,
  bytes: Buffer,
): MessageShape<Schema> | undefined {
  return readerOf(schema)?.({ bytes, at: 0 }, bytes.length) as MessageShape<Schema> | undefined
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

type Values = Record<string, unknown>
/** Reads up to `end`; undefined leaves the whole message to `fromBinary`. */
type Read = (cursor: Cursor, end: number) => Values | undefined
/** Reads one field into the message; false leaves the whole message to `fromBinary`. */
type ReadField = (message: Values, cursor: Cursor, end: number) => boolean

const readers = new WeakMap<DescMessage, Read | "others">()

function readerOf(schema: DescMessage): Read | undefined {
  let reader = readers.get(schema)
  if (reader === undefined) {
    reader = isPlainMessage(schema) ? messageReader(schema) : "others"
    readers.set(schema, reader)
  }
  return reader === "others" ? undefined : reader
}

function messageReader(schema: DescMessage): Read {
  const empty = emptyMaker(schema)
  const fields: ReadField[] = []
  for (const field of schema.fields) fields[tagOf(field)] = fieldReader(field)
  return (cursor, end) => {
    const message = empty()
    while (cursor.at < end) {
      const read = fields[varint(cursor)]
      if (!read?.(message, cursor, end)) return undefined
    }
    return cursor.at === end ? message : undefined
  }
}

/** Creates the same as `create(schema)`: implicit zeros, empty lists and maps, and unset oneofs. */
function emptyMaker({ typeName, members }: DescMessage): () => Values {
  const zeros: [string, unknown][] = []
  const lists: string[] = []
  const groups: string[] = []
  const maps: string[] = []
  for (const member of members) {
    if (member.kind === "oneof") groups.push(member.localName)
    else if (member.fieldKind === "list") lists.push(member.localName)
    else if (member.fieldKind === "map") maps.push(member.localName)
    else {
      const zero = absentValue(member)
      if (zero !== undefined) zeros.push([member.localName, zero])
    }
  }
  // All properties that are always present, in one shape, which V8 copies at once.
  const always = [...zeros, ...[...lists, ...groups, ...maps].map((name) => [name, undefined] as const)]
  const shape: Values = { $typeName: typeName, ...Object.fromEntries(always) }
  return () => {
    const message = { ...shape }
    for (const name of lists) message[name] = []
    for (const name of groups) message[name] = { case: undefined }
    for (const name of maps) message[name] = {}
    return message
  }
}

function tagOf(field: DescField) {
  const withLength = !["scalar", "enum"].includes(field.fieldKind) || hasLength(field.scalar)
  return (field.number << 3) | (withLength ? LENGTH_DELIMITED : 0)
}

function fieldReader(field: DescField): ReadField {
  const name = field.localName
  if (field.fieldKind === "list") return listReader(field, name)
  if (field.fieldKind === "map") return mapReader(name)
  const read = valueReader(field)
  if (field.oneof) {
    const group = field.oneof.localName
    return (message, cursor, end) => {
      // A message that is sent twice is merged.
      if (field.fieldKind === "message" && (message[group] as Values).case === name) return false
      const value = read(cursor, end)
      message[group] = { case: name, value }
      return value !== undefined
    }
  }
  if (field.fieldKind === "message") {
    return (message, cursor, end) => {
      if (message[name] !== undefined) return false
      const value = read(cursor, end)
      message[name] = value
      return value !== undefined
    }
  }
  return (message, cursor, end) => {
    const value = read(cursor, end)
    message[name] = value
    return value !== undefined
  }
}

function listReader(field: DescField & { fieldKind: "list" }, name: string): ReadField {
  if (field.listKind === "enum") return packedReader(name)
  const read = field.listKind === "message" ? submessageReader(field.message) : text
  return (message, cursor, end) => {
    const value = read(cursor, end)
    ;(message[name] as unknown[]).push(value)
    return value !== undefined
  }
}

function packedReader(name: string): ReadField {
  return (message, cursor, end) => {
    const stop = lengthEnd(cursor, end)
    if (stop < 0) return false
    while (cursor.at < stop) {
      const value = int32(cursor)
      if (value === undefined) return false
      ;(message[name] as number[]).push(value)
    }
    return cursor.at === stop
  }
}

/** A map of strings by strings. An entry is a message with the key in field 1 and the value in field 2. */
function mapReader(name: string): ReadField {
  return (message, cursor, end) => {
    const stop = lengthEnd(cursor, end)
    if (stop < 0) return false
    const entry: Record<number, string> = { [KEY_TAG]: "", [VALUE_TAG]: "" }
    while (cursor.at < stop) {
      const tag = varint(cursor)
      const value = tag in entry ? text(cursor, stop) : undefined
      if (value === undefined) return false
      entry[tag] = value
    }
    const key = entry[KEY_TAG] as string
    // Assigning it would set the prototype.
    if (key === "__proto__") return false
    ;(message[name] as Values)[key] = entry[VALUE_TAG]
    return cursor.at === stop
  }
}

const KEY_TAG = (1 << 3) | 2
const VALUE_TAG = (2 << 3) | 2

function submessageReader(schema: DescMessage) {
  const read = readerOf(schema) as Read
  return (cursor: Cursor, end: number) => {
    const stop = lengthEnd(cursor, end)
    return stop < 0 ? undefined : read(cursor, stop)
  }
}

function valueReader(field: DescField): (cursor: Cursor, end: number) => unknown {
  if (field.fieldKind === "message") return submessageReader(field.message)
  switch (field.scalar) {
    case ScalarType.STRING:
      return text
    case ScalarType.BYTES:
      return byteString
    case ScalarType.BOOL:
      return bool
    case ScalarType.INT64:
      return int64
    default:
      return int32
  }
}

function text(cursor: Cursor, end: number): string | undefined {
  const stop = lengthEnd(cursor, end)
  if (stop < 0) return undefined
  const value = cursor.bytes.toString("utf8", cursor.at, stop)
  const start = cursor.at
  cursor.at = stop
  // U+FFFD replaces invalid bytes, but may also have been sent.
  return value.includes("\ufffd") && !isUtf8(cursor.bytes.subarray(start, stop)) ? undefined : value
}

function byteString(cursor: Cursor, end: number): Uint8Array | undefined {
  const stop = lengthEnd(cursor, end)
  if (stop < 0) return undefined
  const value = cursor.bytes.subarray(cursor.at, stop)
  cursor.at = stop
  return value
}

/** The end of a value that begins here with its length; -1 where that is beyond `end`. */
function lengthEnd(cursor: Cursor, end: number): number {
  const length = varint(cursor)
  const stop = cursor.at + length
  return length < 0 || stop > end ? -1 : stop
}

function bool(cursor: Cursor): boolean | undefined {
  const value = varint(cursor)
  return value === 0 || value === 1 ? value === 1 : undefined
}

/** Negative numbers take ten bytes and are rare. */
function int32(cursor: Cursor): number | undefined {
  const value = varint(cursor)
  return value < 0 || value > 0x7fffffff ? undefined : value
}

function int64(cursor: Cursor): bigint | undefined {
  let value = 0n
  let small = 0
  for (let shift = 0; shift < 63; shift += 7) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) return undefined
    if (shift < 28) small |= (byte & 0x7f) << shift
    else value |= BigInt(byte & 0x7f) << BigInt(shift)
    if (byte < 0x80) return value | BigInt(small)
  }
  return undefined
}

/** A varint of up to four bytes, enough for tags, lengths and enums here; -1 for a longer one. */
function varint(cursor: Cursor): number {
  const { bytes } = cursor
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) return -1
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  return -1
}
