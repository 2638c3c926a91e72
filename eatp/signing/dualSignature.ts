import { createHmac, timingSafeEqual } from "node:crypto"
import { canonicalJson } from "../canonical/canonical.js"
import type { Json } from "../json/json.js"
import { verifyText } from "./ed25519.js"

/** EATP's dual signature: Ed25519, and an HMAC for parties that share a secret. Both are base64. */
export type DualSignature = {
  ed25519Signature: string
  /** Unset without a shared secret. */
  hmacSignature?: string
}

/** The HMAC-SHA256 of a payload's canonical JSON, in base64. */
export function hmacSignature(payload: Json, key: Uint8Array): string {
  return createHmac("sha256", key).update(canonicalJson(payload)).digest("base64")
}

/**
 * Verifies a dual signature over a payload's canonical JSON. With an HMAC key, the HMAC must be present and valid;
 * without one it is ignored.
 */
export function verifyDualSignature(
  payload: Json,
  signature: DualSignature,
  publicKey: string,
  hmacKey?: Uint8Array,
): boolean {
  if (!verifyText(canonicalJson(payload), signature.ed25519Signature, publicKey)) return false
  if (hmacKey === undefined) return true
  const expected = Buffer.from(hmacSignature(payload, hmacKey))
  const found = Buffer.from(signature.hmacSignature ?? "")
  return expected.length === found.length && timingSafeEqual(expected, found)
}
