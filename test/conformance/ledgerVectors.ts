import type { HeadCommitment, Json, JsonObject, RevocationEvent } from "@trust-registry/eatp"
import { JsonNumber } from "@trust-registry/eatp"
import { textAt } from "./vectors.js"

/** An event of the revocation ledger as the vectors write it; throws where a field is none of its kind. */
export function eventOf(event: JsonObject): RevocationEvent {
  return {
    delegationId: textAt(event, "delegation_id"),
    epoch: integerOf(event.get("epoch")),
    revokedAt: textAt(event, "revoked_at"),
  }
}

/** A head commitment as the vectors write it. */
export function headOf(head: JsonObject): HeadCommitment {
  return {
    epoch: integerOf(head.get("epoch")),
    blockCount: integerOf(head.get("block_count")),
    tipHash: textAt(head, "tip_hash"),
    revocationLedgerTip: textAt(head, "revocation_ledger_tip"),
    signedAt: textAt(head, "signed_at"),
  }
}

function integerOf(value: Json | undefined): bigint {
  if (value instanceof JsonNumber && value.isInteger) return BigInt(value.text)
  throw new Error("Not an integer")
}
