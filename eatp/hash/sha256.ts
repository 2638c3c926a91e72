import { hash } from "node:crypto"

/** Lowercase hex SHA-256 of bytes, or of a text's UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex")
}
