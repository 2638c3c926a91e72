import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { parseJson } from "../json/parseJson.js"
import { pythonStr } from "../python/pythonStr.js"

/**
 * Constraints as names and values, which is how tightening compares them (EATP DELEGATE,
 * validate_inheritance): `cost_limit=1000` and `region:eu` are split, any other text is a name with the value
 * true. Lowercase, as in EATP's reference implementation.
 */
export function namedConstraints(texts: readonly string[]): JsonObject {
  return new JsonObject(texts.map(named))
}

/** All constraints that bind a delegator: those of the envelope and of the genesis record's metadata. */
export function bindingConstraints(chain: TrustLineageChain): JsonObject {
  const binding = namedConstraints(constraintTexts(chain))
  for (const item of metadataConstraints(chain.genesis)) {
    if (item instanceof JsonObject) for (const [key, value] of item) binding.set(key, value)
    else if (typeof item === "string") binding.set(item, true)
  }
  return binding
}

/** The values of an envelope's constraints as text, lowercase. */
export function constraintTexts({ constraintEnvelope }: TrustLineageChain): string[] {
  const constraints = constraintEnvelope?.activeConstraints ?? []
  return constraints.map(({ valueJson }) => pythonStr(parseJson(valueJson)).toLowerCase())
}

function named(text: string): [string, Json] {
  const lower = text.toLowerCase()
  const equals = lower.indexOf("=")
  if (equals !== -1) return [lower.slice(0, equals).trim(), numberOrText(lower.slice(equals + 1).trim())]
  const colon = lower.indexOf(":")
  // A text with two colons is a time of day.
  if (colon === -1 || lower.split(":").length === 3) return [lower, true]
  return [lower.slice(0, colon).trim(), lower.slice(colon + 1).trim()]
}

function numberOrText(text: string): Json {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? new JsonNumber(text) : text
}

function metadataConstraints(genesis: GenesisRecord | undefined): Json[] {
  const metadata = genesis?.metadataJson === undefined ? null : parseJson(genesis.metadataJson)
  const list = metadata instanceof JsonObject ? metadata.get("constraints") : undefined
  return Array.isArray(list) ? list : []
}
