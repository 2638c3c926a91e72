import {
  brokenLink,
  crlPayload,
  type Json,
  JsonNumber,
  type JsonObject,
  linkHashes,
  verifyText,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/** crl.json: the bytes and signatures of revocation lists, and the linked hash chain. */
export const crl: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => checkList(vector))
  }
  for (const [index, vector] of objectsAt(file, "linked_hash_chain_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkLinks(vector))
  }
}

function checkList(vector: JsonObject): void {
  const metadata = objectAt(vector, "metadata")
  const payload = crlPayload({
    crlId: textAt(metadata, "crl_id"),
    issuerId: textAt(metadata, "issuer_id"),
    issuedAt: textAt(metadata, "issued_at"),
    entries: objectsAt(vector, "entries").map((entry) => ({
      delegationId: textAt(entry, "delegation_id"),
      agentId: textAt(entry, "agent_id"),
      revokedAt: textAt(entry, "revoked_at"),
      reason: textAt(entry, "reason"),
      revokedBy: textAt(entry, "revoked_by"),
      expiresAt: optionalTextAt(entry, "expires_at"),
    })),
  })
  same("canonical", payload, vector.get("canonical"))
  const valid = verifyText(payload, textAt(vector, "signature"), textAt(vector, "public_key"))
  same("valid", valid, vector.get("expected_valid"))
}

function checkLinks(vector: JsonObject): void {
  const hashes = vector.get("original_hashes") as string[]
  const linked = vector.get("linked_hashes") as string[]
  same("linked_hashes", JSON.stringify(linkHashes(hashes)), JSON.stringify(linked))
  same("linkage_ok", linkage(brokenLink(hashes, linked)), shown(vector.get("linkage_ok")))
  // The vectors change the last hash.
  const changed = [...hashes.slice(0, -1), "0".repeat(64)]
  const tampered = vector.get("linkage_tampered") ?? null
  if (tampered !== null) same("linkage_tampered", linkage(brokenLink(changed, linked)), shown(tampered))
}

function linkage(broken: number | undefined): string {
  return JSON.stringify([broken === undefined, broken ?? null])
}

function shown(value: Json | undefined): string {
  return JSON.stringify(
    (value as Json[]).map((item) => (item instanceof JsonNumber ? Number(item.text) : item)),
  )
}
