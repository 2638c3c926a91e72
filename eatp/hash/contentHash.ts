import { type JsonValue, type JsonObject as ProtoJsonObject, toJson } from "@bufbuild/protobuf"
import {
  file_trustregistry_v1_chain,
  sortedJson,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { byCodePoint } from "../json/codePointOrder.js"
import { sha256Hex } from "./sha256.js"

/** A chain as ProtoJSON with proto field names and without defaults: what the store keeps and the content hash covers. */
export function contentJson(chain: TrustLineageChain): JsonValue {
  return toJson(TrustLineageChainSchema, chain, { useProtoFieldName: true })
}

/** The text of a chain that the store keeps and {@link contentHash} covers; control characters are escaped. */
export function contentText(chain: TrustLineageChain): string {
  return sortedJson(TrustLineageChainSchema, chain) ?? sortedText(contentJson(chain))
}

/**
 * The registry's hash over all of a chain, signatures and anchors included: lowercase hex SHA-256 over its
 * {@link contentJson} with keys sorted by code point, no white space and RFC 8785's escapes. Free-form JSON is covered as
 * its text. A caller that has the {@link contentText} already passes it.
 */
export function contentHash(chain: TrustLineageChain, text: string = contentText(chain)): string {
  return sha256Hex(text)
}

/** The {@link contentHash} of a chain given as ProtoJSON, as the store keeps it. */
export function contentHashOfJson(json: JsonValue): string {
  return sha256Hex(sortedText(json))
}

// The field names of the contract, quoted: almost all keys are among them. They are ASCII, so any sort gives one order.
const quotedNames = new Map(
  file_trustregistry_v1_chain.messages.flatMap((message) =>
    message.fields.map(({ name }) => [name, JSON.stringify(name)] as const),
  ),
)

// Recursion is safe: a chain nests a few levels only.
function sortedText(value: JsonValue): string {
  if (Array.isArray(value)) return listText(value)
  if (value === null || typeof value !== "object") return JSON.stringify(value)
  let text = "{"
  for (const key of sortedKeys(value)) {
    if (text.length > 1) text += ","
    text += `${quotedNames.get(key) ?? JSON.stringify(key)}:${sortedText(value[key] ?? null)}`
  }
  return `${text}}`
}

function listText(values: JsonValue[]): string {
  let text = "["
  for (const value of values) text += (text.length > 1 ? "," : "") + sortedText(value)
  return `${text}]`
}

function sortedKeys(value: ProtoJsonObject): string[] {
  const keys = Object.keys(value)
  return keys.every((key) => quotedNames.has(key)) ? keys.sort() : keys.sort(byCodePoint)
}
