import {
  canonicalJson,
  type DualSignature,
  hmacSignature,
  type JsonObject,
  parseJson,
  verifyDualSignature,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/** dual_signature.json: Ed25519 and HMAC-SHA256 over one canonical payload. */
export const dualSignature: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const payload = parseJson(textAt(vector, "payload_json"))
  same("canonical", canonicalJson(payload), vector.get("canonical"))
  const dual = objectAt(vector, "dual")
  const signature: DualSignature = { ed25519Signature: textAt(dual, "ed25519_signature") }
  const hmac = optionalTextAt(dual, "hmac_signature")
  if (hmac !== undefined) signature.hmacSignature = hmac
  const keyHex = optionalTextAt(vector, "hmac_key_hex")
  const key = keyHex === undefined ? undefined : Buffer.from(keyHex, "hex")
  if (key !== undefined && hmac !== undefined) same("hmac_signature", hmacSignature(payload, key), hmac)
  const valid = verifyDualSignature(payload, signature, textAt(vector, "public_key"), key)
  same("valid", valid, vector.get("expected_valid"))
}
