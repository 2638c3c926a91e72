import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"
import { Edition } from "@bufbuild/protobuf/wkt"

/**
 * Whether all fields of a message, and of all messages in it, are of the kinds that the files beside this one know: proto3's
 * strings, bools, int32, int64, enums, messages, lists of these but for numbers, maps of strings, oneofs, and bytes by themselves.
 * Others, and messages within themselves, are protobuf-es's.
 */
export function isPlainMessage(schema: DescMessage, within: readonly DescMessage[] = []): boolean {
  if (within.includes(schema) || schema.file.edition !== Edition.EDITION_PROTO3) return false
  return schema.fields.every((field) => {
    if (!isPlainField(field)) return false
    return !field.message || isPlainMessage(field.message, [...within, schema])
  })
}

/** Whether a field by itself is of such a kind. */
export function isPlainField(field: DescField): boolean {
  switch (field.fieldKind) {
    case "scalar":
      if (field.scalar === ScalarType.BYTES) return field.presence === IMPLICIT
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
 * Whether a plain message is in ProtoJSON what it is in protobuf: the well-known types, oneofs, maps and bytes, which have a JSON
 * of their own, are not in it.
 */
export function isPlainJson(schema: DescMessage): boolean {
  if (!isPlainMessage(schema) || schema.oneofs.length > 0) return false
  return schema.fields.every(({ fieldKind, message, scalar, enum: words }) => {
    if (
      scalar === ScalarType.BYTES ||
      fieldKind === "map" ||
      (message ?? words)?.typeName.startsWith("google.protobuf.")
    )
      return false
    return !message || isPlainJson(message)
  })
}

/** What stands in a message where a field that is no list and no map is not sent; a field of a oneof stands there otherwise. */
export function absentValue(field: DescField): unknown {
  if (field.fieldKind === "message" || field.presence !== IMPLICIT) return undefined
  if (field.fieldKind === "enum") return field.enum.values[0]?.number
  if (field.scalar === ScalarType.STRING) return ""
  if (field.scalar === ScalarType.BOOL) return false
  if (field.scalar === ScalarType.BYTES) return NO_BYTES
  return field.scalar === ScalarType.INT64 ? 0n : 0
}

/** Whether a value is what is not sent: no bytes are, whichever empty array they are. */
export function isAbsent(value: unknown, absent: unknown): boolean {
  return value === absent || (absent === NO_BYTES && value instanceof Uint8Array && value.length === 0)
}

const NO_BYTES = new Uint8Array(0)

/** google.protobuf.FeatureSet.FieldPresence.IMPLICIT: what is zero is not sent. */
const IMPLICIT = 2

const SCALARS = new Set([ScalarType.STRING, ScalarType.BOOL, ScalarType.INT32, ScalarType.INT64])
/** In a field protobuf-es stands other values for them. */
const UNWRAPPED = /^google\.protobuf\.(\w+Value|Struct)$/
