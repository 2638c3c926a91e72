import { createHash } from "node:crypto"
import { delegateCanonicalJson } from "../canonical/canonical.js"
import { JsonObject } from "../json/json.js"
import { asciiIdField, nanosecondField, u64Field } from "./ledgerFields.js"
import { RevocationError } from "./revocationError.js"

/** One revocation in the signed ledger (EATP-12 D5): of a delegation, or of an agent by its id. */
export type RevocationEvent = {
  delegationId: string
  /** Rises with every event; u64. */
  epoch: bigint
  /** RFC 3339 with nine digits of a second and `Z`, exactly as signed. */
  revokedAt: string
}

/** The tip of an empty ledger: 32 zero bytes, in hex. */
export const GENESIS_TIP = "0".repeat(64)

/** The text under an event's signature, which the tip covers as well. Throws RevocationError for an invalid event. */
export function revocationEventPayload(event: RevocationEvent): string {
  return delegateCanonicalJson(
    new JsonObject([
      ["delegation_id", asciiIdField("delegation_id", event.delegationId)],
      ["domain_sep", "EATP-12/revocation-event/v1"],
      ["epoch", u64Field("epoch", event.epoch)],
      ["revoked_at", nanosecondField("revoked_at", event.revokedAt)],
    ]),
  )
}

/**
 * The tip of a ledger, lowercase hex: a hash chain over the events in the given order, so that none can be removed,
 * added or moved. Throws RevocationError for an invalid event.
 */
export function revocationLedgerTip(events: Iterable<RevocationEvent>): string {
  let tip: Uint8Array = Buffer.from(GENESIS_TIP, "hex")
  for (const event of events) {
    const hash = createHash("sha256").update("EATP-12/revocation-ledger/v1:").update(tip)
    tip = hash.update(revocationEventPayload(event)).digest()
  }
  return Buffer.from(tip).toString("hex")
}

/** Appends an event to a ledger. Throws RevocationError unless its epoch is above that of the last event. */
export function appendRevocation(
  events: readonly RevocationEvent[],
  event: RevocationEvent,
): RevocationEvent[] {
  const last = events.at(-1)
  if (last !== undefined && event.epoch <= last.epoch) {
    throw new RevocationError(
      `append-only violation: epoch ${event.epoch} is not strictly greater than the current tip epoch ${last.epoch}`,
    )
  }
  revocationEventPayload(event)
  return [...events, event]
}
