import { canonicalJson } from "../canonical/canonical.js"
import type { Json } from "../json/json.js"
import { CanonicalError } from "../python/pythonNumber.js"
import { sha256Hex } from "./sha256.js"

/**
 * EATP's `hash_chain`: lowercase hex SHA-256 of a text's UTF-8, or of the canonical JSON of any other value.
 *
 * @throws CanonicalError for a value without canonical form, or a text with a lone surrogate.
 */
export function hashChain(value: Json): string {
  if (typeof value !== "string") return sha256Hex(canonicalJson(value))
  if (!value.isWellFormed()) throw new CanonicalError("A lone surrogate has no UTF-8 form")
  return sha256Hex(value)
}
