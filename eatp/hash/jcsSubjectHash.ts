import { jcs } from "../canonical/jcs.js"
import type { Json } from "../json/json.js"
import { sha256Hex } from "./sha256.js"

/** `sha256:` and the lowercase hex SHA-256 of the RFC 8785 text of a value. Throws as {@link jcs} does. */
export function jcsSubjectHash(value: Json): string {
  return `sha256:${sha256Hex(jcs(value))}`
}
