import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"
import { Edition } from "@bufbuild/protobuf/wkt"

/**
 * Whether all fields of a message, and of all messages in it, are of the kinds that encoder.ts and decoder.ts know: proto3's
 * strings, bools, int32, int64, enums, messages, lists of these but for numbers, maps of strings, and oneofs. Others, and messages within
 * themselves, are protobuf-es's.
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

const SCALARS = new Set([ScalarType.STRING, ScalarType.BOOL, ScalarType.INT32, ScalarType.INT64])
/** In a field protobuf-es stands other values for them. */
const UNWRAPPED = /^google\.protobuf\.(\w+Value|Struct)$/
