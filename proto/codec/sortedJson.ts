import { type DescEnum, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf"
import { absentValue, isPlainJson } from "./plainMessage.js"

/**
 * The ProtoJSON text of a message, like `toJson` with proto field names and without defaults, with sorted keys, no white
 * space and the escapes of `JSON.stringify`. Fields are looked up and sorted once, and no JSON value is created in between.
 * Returns undefined for anything unusual, especially values of a wrong type, which is left to `toJson`.
 */
export function sortedJson(schema: DescMessage, message: Message): string | undefined {
  // The writer was made from the descriptors, which name the properties.
  return writerOf(schema)(message as unknown as Values)
}

type Values = Record<string, unknown>
/** The text of a value; undefined leaves the whole message to `toJson`. */
type Write<Value = unknown> = (value: Value) => string | undefined

const writers = new WeakMap<DescMessage, Write<Values>>()

function writerOf(schema: DescMessage): Write<Values> {
  let writer = writers.get(schema)
  if (writer === undefined) {
    writer = isPlainJson(schema) ? messageWriter(schema) : () => undefined
    writers.set(schema, writer)
  }
  return writer
}

function messageWriter({ typeName, fields }: DescMessage): Write<Values> {
  // Names are ASCII, which any sort puts in the same order.
  const sorted = [...fields].sort((a, b) => (a.name < b.name ? -1 : 1)).map(fieldWriter)
  return (message) => {
    if (message?.$typeName !== typeName) return undefined
    let text = ""
    for (const { name, first, next, absent, write } of sorted) {
      const value = message[name]
      if (value === absent) continue
      const written = write(value)
      if (written === undefined) return undefined
      if (written !== "") text += (text === "" ? first : next) + written
    }
    return `{${text}}`
  }
}

function fieldWriter(field: DescField) {
  const { localName: name, fieldKind } = field
  const isList = fieldKind === "list"
  const write = valueWriter(field)
  return {
    name,
    first: `"${field.name}":`,
    next: `,"${field.name}":`,
    // A list is never compared by identity: a symbol equals no value of a field.
    absent: isList ? NEVER : absentValue(field),
    write: isList ? (list: unknown) => listText(list, write) : write,
  }
}

const NEVER = Symbol("never")

function listText(list: unknown, write: Write): string | undefined {
  if (!Array.isArray(list)) return undefined
  let text = ""
  for (const item of list) {
    const written = write(item)
    if (written === undefined) return undefined
    text += text === "" ? written : `,${written}`
  }
  return text === "" ? "" : `[${text}]`
}

function valueWriter(field: DescField): Write {
  if (field.message) return writerOf(field.message) as Write
  if (field.enum) return enumWriter(field.enum)
  switch (field.scalar) {
    case ScalarType.STRING:
      return (value) => (typeof value === "string" ? quoted(value) : undefined)
    case ScalarType.BOOL:
      return (value) => (typeof value === "boolean" ? String(value) : undefined)
    case ScalarType.INT64:
      return (value) => (typeof value === "bigint" ? `"${value}"` : undefined)
    default:
      return (value) => (Number.isInteger(value) ? String(value) : undefined)
  }
}

/** Open enums have numbers without a name. */
function enumWriter({ value: byNumber }: DescEnum): Write {
  const values = Object.values(byNumber)
  const names = new Map<unknown, string>(values.map(({ name, number }) => [number, JSON.stringify(name)]))
  return (value) => names.get(value) ?? (Number.isInteger(value) ? String(value) : undefined)
}

/** Most texts need no escapes; testing for that and quoting takes two thirds of the time of `JSON.stringify`. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

const PLAIN = /^[ !#-[\]-~]*$/
