import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf"
import { absentValue, isPlainMessage } from "./plainMessage.js"

/**
 * The message that the bytes hold, as `fromBinary` gives it, with each field looked up once and not for every message. What
 * is not plain (unknown fields, a message in two parts, ill-formed UTF-8, bytes that are no such message) is left to
 * `fromBinary`, its errors too.
 */
export function decodeMessage<Schema extends DescMessage>(
  schema: Schema,
  bytes: Buffer,
): MessageShape<Schema> {
  const read = readerOf(schema)
  const message = read?.({ bytes, at: 0 }, bytes.length)
  return (message ?? fromBinary(schema, bytes)) as MessageShape<Schema>
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

type Values = Record<string, unknown>
/** Reads up to `end`; gives undefined for what it leaves to `fromBinary`. */
type Read = (cursor: Cursor, end: number) => Values | undefined
/** Reads one field into the message; gives false likewise. */
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

/** Makes what `create(schema)` makes: what is implicitly zero, lists, and oneofs that hold nothing. */
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
  // All that is always there, in one shape: V8 copies it at once.
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
  const hasLength = !["scalar", "enum"].includes(field.fieldKind) || LENGTHY.has(field.scalar)
  return (field.number << 3) | (hasLength ? 2 : 0)
}

const LENGTHY: ReadonlySet<ScalarType | undefined> = new Set([ScalarType.STRING, ScalarType.BYTES])

function fieldReader(field: DescField): ReadField {
  const name = field.localName
  if (field.fieldKind === "list") return listReader(field, name)
  if (field.fieldKind === "map") return mapReader(name)
  const read = valueReader(field)
  if (field.oneof) {
    const group = field.oneof.localName
    return (message, cursor, end) => {
      // A message that comes twice is merged.
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

/** Of texts by texts. An entry is a message whose key is its field 1 and whose value is its field 2. */
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
    // It is no key of its own in an object.
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
      return raw
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
  cursor.at = stop
  // It stands for ill-formed bytes, or for itself.
  return value.includes("\ufffd") ? undefined : value
}

/** A view of the bytes, as protobuf-es gives it. */
function raw(cursor: Cursor, end: number): Uint8Array | undefined {
  const stop = lengthEnd(cursor, end)
  if (stop < 0) return undefined
  const value = cursor.bytes.subarray(cursor.at, stop)
  cursor.at = stop
  return value
}

/** Where something of a length ends that stands here; -1 where that is beyond what there is. */
function lengthEnd(cursor: Cursor, end: number): number {
  const length = varint(cursor)
  const stop = cursor.at + length
  return length < 0 || stop > end ? -1 : stop
}

function bool(cursor: Cursor): boolean | undefined {
  const value = varint(cursor)
  return value === 0 || value === 1 ? value === 1 : undefined
}

/** Negative ones take ten bytes and are rare. */
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

/** A varint of up to four bytes, which is all that tags, lengths and enums here take; -1 for a longer one. */
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
