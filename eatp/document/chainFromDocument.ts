import { create, type DescEnum, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf"
import { AllowedToolsSchema, type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { jsonText } from "../json/jsonText.js"
import { type ParseJsonOptions, parseJson } from "../json/parseJson.js"
import { DocumentError } from "./documentError.js"
import { type DocumentField, documentFields, isDimensionScope } from "./documentFields.js"
import { numberOf, wordsOf } from "./words.js"

/** A chain read from a document. */
export type DocumentChain = {
  chain: TrustLineageChain
  /** The document's `chain_hash`, which `to_dict` derives: not part of the chain, and not verified here. */
  chainHash: string | undefined
}

/**
 * Reads a chain from EATP's JSON, the full form (every field) or `to_dict`'s, without losing anything: free-form values
 * keep their source text. Refuses an unknown key, since it may be signed. Does not check the rules of the registry (see
 * checkShape).
 *
 * @throws JsonSyntaxError for text that is not JSON or repeats a key; DocumentError for JSON that is not a chain.
 */
export function chainFromDocument(document: string | JsonObject, options?: ParseJsonOptions): DocumentChain {
  const root = typeof document === "string" ? parseJson(document, options) : document
  if (!(root instanceof JsonObject)) throw new DocumentError("", "a chain is a JSON object")
  const chainHash = root.get("chain_hash")
  if (chainHash !== undefined && typeof chainHash !== "string") throw new DocumentError("chain_hash", TEXT)
  return { chain: readRecord(TrustLineageChainSchema, root, "") as TrustLineageChain, chainHash }
}

/**
 * Reads one record of a chain from its full form, as chainFromDocument reads the whole; the schema says which record.
 *
 * @throws DocumentError for JSON that is not such a record.
 */
export function recordFromDocument<Desc extends DescMessage>(desc: Desc, record: Json): MessageShape<Desc> {
  // readRecord makes a message of the schema that it is given.
  return readRecord(desc, record, "") as MessageShape<Desc>
}

const TEXT = "must be a string"
const derivedKeys = new Set(["chain_hash"])

function readRecord(desc: DescMessage, value: Json, path: string): Message {
  if (!(value instanceof JsonObject)) throw new DocumentError(path, "must be an object")
  const message = create(desc)
  const fields = documentFields(desc)
  const unknown = unknownKey(value, fields, path)
  for (const field of fields) {
    if (field.required && !value.has(field.key)) throw missing(join(path, field.key), unknown)
    readField(message, field, value, join(path, field.key))
  }
  if (unknown !== undefined) throw new DocumentError(join(path, unknown), UNKNOWN)
  return message
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`
}

function readField(message: Message, field: DocumentField, object: JsonObject, path: string): void {
  const value = object.get(field.key)
  if (value !== undefined && (value !== null || !field.nullable)) {
    // The property is the one that the field's descriptor names, and the value has the type of the field's shape.
    const target = message as unknown as Record<string, unknown>
    target[field.property] = readValue(field, value, path, () => object.textOf(field.key))
  }
}

const UNKNOWN = "is not a key that EATP knows"

function unknownKey(object: JsonObject, fields: readonly DocumentField[], path: string): string | undefined {
  return [...object.keys()].find(
    (key) => !fields.some((field) => field.key === key) && !(path === "" && derivedKeys.has(key)),
  )
}

// An unknown key is often the missing one, misspelt.
function missing(path: string, unknown: string | undefined): DocumentError {
  const also = unknown === undefined ? "" : `, and ${JSON.stringify(unknown)} ${UNKNOWN}`
  return new DocumentError(path, `is missing${also}`)
}

function readValue(
  { shape }: DocumentField,
  value: Json,
  path: string,
  source: () => string | undefined,
): unknown {
  switch (shape.kind) {
    case "text":
      return readText(value, path)
    case "texts":
      return readList(value, path, readText)
    case "integer":
      return readInteger(value, path)
    case "flag":
      return readFlag(value, path)
    case "json":
      return source() ?? jsonText(value)
    case "tools":
      return create(AllowedToolsSchema, { names: readList(value, path, readText) })
    case "word":
      return readWord(shape.desc, value, path)
    case "words":
      return readWords(shape.desc, value, path)
    case "record":
      return readRecord(shape.desc, value, path)
    case "records":
      return readList(value, path, (item, at) => readRecord(shape.desc, item, at))
  }
}

function readList<Item>(value: Json, path: string, read: (item: Json, path: string) => Item): Item[] {
  if (!Array.isArray(value)) throw new DocumentError(path, "must be an array")
  return value.map((item, index) => read(item, `${path}[${index}]`))
}

function readText(value: Json, path: string): string {
  if (typeof value !== "string") throw new DocumentError(path, TEXT)
  return value
}

function readFlag(value: Json, path: string): boolean {
  if (typeof value !== "boolean") throw new DocumentError(path, "must be true or false")
  return value
}

function readInteger(value: Json, path: string): bigint {
  if (!(value instanceof JsonNumber) || !value.isInteger) throw new DocumentError(path, "must be an integer")
  // 20 characters hold every int64; BigInt takes quadratic time over a text of any length.
  const integer = value.text.length > 20 ? undefined : BigInt(value.text)
  if (integer === undefined || BigInt.asIntN(64, integer) !== integer) {
    throw new DocumentError(path, "does not fit 64 bits")
  }
  return integer
}

function readWord(desc: DescEnum, value: Json, path: string): number {
  const number = numberOf(desc, readText(value, path))
  if (number === undefined)
    throw new DocumentError(path, `${JSON.stringify(value)} is none of ${wordsOf(desc).join(", ")}`)
  return number
}

function readWords(desc: DescEnum, value: Json, path: string): number[] {
  const numbers = readList(value, path, (item, at) => readWord(desc, item, at))
  // In a message no dimension means all five: an empty list must not widen to that.
  if (numbers.length === 0 && isDimensionScope(desc)) throw new DocumentError(path, "must name a dimension")
  return numbers
}
