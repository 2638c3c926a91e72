import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf"
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt"
import { AllowedToolsSchema, ConstraintDimensionSchema } from "@trust-registry/proto"

/** How a field of a chain message appears in EATP's JSON. */
export type DocumentField = {
  /** EATP's key: the field's own name, without the `_json` of a free-form value. */
  key: string
  /** The property of the generated message. */
  property: string
  shape: FieldShape
  /** Whether a document must have the key; otherwise a missing key leaves the field unset. */
  required: boolean
  /** Whether `null` in a document leaves the field unset. */
  nullable: boolean
  /** What an unset field is in the full form, as JSON text. */
  unset: string
}

/** What kind of value a field holds. */
export type FieldShape =
  | { kind: "text" | "texts" | "integer" | "flag" | "json" | "tools" }
  | { kind: "word" | "words"; desc: DescEnum }
  | { kind: "record" | "records"; desc: DescMessage }

/** The fields of a message in the order of the full form, which is the order of their numbers. */
export function documentFields(desc: DescMessage): readonly DocumentField[] {
  let fields = known.get(desc.typeName)
  if (fields === undefined) {
    fields = desc.fields.map(documentField)
    known.set(desc.typeName, fields)
  }
  return fields
}

const known = new Map<string, readonly DocumentField[]>()

// The reference implementation's defaults for missing keys, where they are not None.
const unsetTexts: Record<string, string> = {
  signature_algorithm: '"Ed25519"',
  signing_payload_version: '"legacy-python-v0"',
  metadata_json: "{}",
  context_json: "{}",
  evidence_json: "[]",
}
// Keys that a document may omit although the message field has no presence; the zero value replaces them.
const mayBeMissing = new Set([
  ...["capabilities", "delegations", "audit_anchors", "active_constraints", "delegation_chain"],
  ...["alternatives_considered", "operations", "dimension_scope"],
  ...["signature", "constraint_hash", "delegation_depth", "priority", "multi_sig"],
])
const nullIsEmpty = new Set(["evidence_json", "alternatives_considered"])

function documentField(field: DescField): DocumentField {
  const shape = shapeOf(field)
  const present = field.presence === FeatureSet_FieldPresence.EXPLICIT
  const required = field.name === "genesis" || (!present && !mayBeMissing.has(field.name))
  return {
    key: shape.kind === "json" ? field.name.slice(0, -"_json".length) : field.name,
    property: field.localName,
    shape,
    required,
    nullable: nullIsEmpty.has(field.name) || (present && !required && unsetTexts[field.name] === undefined),
    unset: unsetTexts[field.name] ?? "null",
  }
}

function shapeOf(field: DescField): FieldShape {
  if (field.fieldKind === "list") {
    if (field.listKind === "enum") return { kind: "words", desc: field.enum }
    return field.listKind === "message" ? { kind: "records", desc: field.message } : { kind: "texts" }
  }
  if (field.fieldKind === "enum") return { kind: "word", desc: field.enum }
  if (field.fieldKind === "message") {
    const isTools = field.message.typeName === AllowedToolsSchema.typeName
    return isTools ? { kind: "tools" } : { kind: "record", desc: field.message }
  }
  if (field.fieldKind === "map") throw new TypeError(`${field} has no form in EATP's JSON`)
  return { kind: scalarKind(field.name, field.scalar) }
}

function scalarKind(name: string, scalar: ScalarType): "text" | "integer" | "flag" | "json" {
  if (scalar === ScalarType.BOOL) return "flag"
  if (scalar === ScalarType.INT64) return "integer"
  return name.endsWith("_json") ? "json" : "text"
}

/** Whether a list of words is a dimension scope, for which an empty list in a message means all dimensions. */
export function isDimensionScope(desc: DescEnum): boolean {
  return desc.typeName === ConstraintDimensionSchema.typeName
}
