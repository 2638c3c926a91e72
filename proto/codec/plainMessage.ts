import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"
import { Edition } from "@bufbuild/protobuf/wkt"

/**
 * Whether all fields of a message, and of all messages in it, are of the kinds that the codec handles itself: proto3's
 * strings, bytes, bools, int32, int64, enums, messages, lists of strings, enums and messages, maps of strings, and oneofs.
 * Messages with other fields, and messages that contain themselves, are left to protobuf-es.
 */
export function isPlainMessage(schema: DescMessage, within: readonly DescMessage[] = []): boolean {
  if (within.includes(schema) || schema.file.edition !== Edition.EDITION_PROTO3) return false
  return schema.fields.every((field) => {
    if (!isPlainField(field)) return false
    return !field.message || isPlainMessage(field.message, [...within, schema])
  })
}

/** Whether a field itself is of such a kind, regardless of the fields of its message. */
export function isPlainField(field: DescField): boolean {
  switch (field.fieldKind) {
    case "scalar":
      return SCALARS.has(field.scalar) && !field.longAsString
    case "enum":
      return field.enum.open
    case "message":
      return !field.delimitedEncoding && !UNWRAPPED.test(field.message.typeName)
    case "list":
      if (field.listKind === "enum") return field.enum.open && field.packed
      if (field.listKind === "scalar") return field.scalar === ScalarType.STRING
      return !field.delimitedEncoding
    case "map":
      return field.mapKey === ScalarType.STRING && field.scalar === ScalarType.STRING
  }
}

/**
 * Whether a plain message has the same structure in ProtoJSON as in protobuf: without well-known types, bytes, oneofs and maps,
 * which have their own JSON form.
 */
export function isPlainJson(schema: DescMessage): boolean {
  if (!isPlainMessage(schema) || schema.oneofs.length > 0) return false
  return schema.fields.every(({ fieldKind, scalar, message, enum: names }) => {
    if (fieldKind === "map" || scalar === ScalarType.BYTES) return false
    if ((message ?? names)?.typeName.startsWith("google.protobuf.")) return false
    return !message || isPlainJson(message)
  })
}

/** The value in a message of a field that is not sent; not for lists, maps and the fields of a oneof. */
export function absentValue(field: DescField): unknown {
  if (field.fieldKind === "message" || field.presence !== IMPLICIT) return undefined
  if (field.fieldKind === "enum") return field.enum.values[0]?.number
  if (field.scalar === ScalarType.STRING) return ""
  if (field.scalar === ScalarType.BYTES) return new Uint8Array()
  if (field.scalar === ScalarType.BOOL) return false
  return field.scalar === ScalarType.INT64 ? 0n : 0
}

/** google.protobuf.FeatureSet.FieldPresence.IMPLICIT: zero is not sent. */
const IMPLICIT = 2

const SCALARS = new Set([
  ScalarType.STRING,
  ScalarType.BYTES,
  ScalarType.BOOL,
  ScalarType.INT32,
  ScalarType.INT64,
])
/** protobuf-es unwraps fields of these types, so they do not hold the message itself. */
const UNWRAPPED = /^google\.protobuf\.(\w+Value|Struct)$/
