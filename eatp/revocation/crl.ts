import { canonicalJson } from "../canonical/canonical.js"
import { byCodePoint } from "../json/codePointOrder.js"
import { JsonObject } from "../json/json.js"
import { optionalTimeField, timeField } from "../signing/payloadFields.js"

/** A delegation in a revocation list. */
export type CrlEntry = {
  delegationId: string
  agentId: string
  revokedAt: string
  reason: string
  revokedBy: string
  /** When the entry may leave the list; until then it revokes. Unset: never. */
  expiresAt?: string | undefined
}

/** A certificate revocation list of EATP. Its next_update, entry_count and alg_id are not signed. */
export type RevocationList = {
  crlId: string
  issuerId: string
  issuedAt: string
  entries: readonly CrlEntry[]
}

/**
 * The text under a revocation list's signature (EATP, certificate revocation list): entries by delegation id.
 * Throws SigningPayloadError.
 */
export function crlPayload(list: RevocationList): string {
  const entries = [...list.entries].sort((a, b) => byCodePoint(a.delegationId, b.delegationId))
  return canonicalJson(
    new JsonObject([
      ["crl_id", list.crlId],
      ["issuer_id", list.issuerId],
      ["issued_at", timeField(list.issuedAt)],
      ["entries", entries.map(entryField)],
    ]),
  )
}

function entryField(entry: CrlEntry): JsonObject {
  return new JsonObject([
    ["delegation_id", entry.delegationId],
    ["agent_id", entry.agentId],
    ["revoked_at", timeField(entry.revokedAt)],
    ["reason", entry.reason],
    ["revoked_by", entry.revokedBy],
    ["expires_at", optionalTimeField(entry.expiresAt)],
  ])
}
