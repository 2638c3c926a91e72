import {
  acceptHead,
  type HeadCommitment,
  type HighWater,
  headPayload,
  verifyLedgerText,
} from "./headCommitment.js"
import { type RevocationEvent, revocationLedgerTip } from "./ledger.js"
import { RevocationError } from "./revocationError.js"

/** A revocation ledger with its signed head. */
export type SignedLedger = {
  /** Ordered by epoch. */
  events: readonly RevocationEvent[]
  head: HeadCommitment
  /** Hex. */
  headSignature: string
  /** The owner's Ed25519 public key, hex. */
  ownerPublicKey: string
  /** The highest head seen before; unset: none. */
  highWater?: HighWater
}

/**
 * The ids that a ledger revokes (EATP-12 D5), once it is verified: the owner signed the head, the head covers exactly
 * these events, and it is not older than one seen before.
 *
 * @throws RevocationError otherwise, in the reference implementation's words; the caller must deny.
 */
export function revokedIds(ledger: SignedLedger): ReadonlySet<string> {
  const { events, head, headSignature, ownerPublicKey, highWater } = ledger
  if (!verifyLedgerText(headPayload(head), headSignature, ownerPublicKey)) {
    throw new RevocationError(
      "persisted revocation head owner signature did not verify (fail-closed deny — refusing to fall open to the " +
        "unsigned revoked flag)",
    )
  }
  if (revocationLedgerTip(events) !== head.revocationLedgerTip) {
    throw new RevocationError(
      "recomputed revocation-ledger tip does not match the owner-signed head tip — the persisted event set was " +
        "tampered (added/deleted/reordered); fail-closed deny",
    )
  }
  checkHead(highWater ?? { epoch: 0n }, head)
  return new Set(events.map((event) => event.delegationId))
}

function checkHead(highWater: HighWater, head: HeadCommitment): void {
  try {
    acceptHead(highWater, head)
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new RevocationError(`anti-rollback check rejected the persisted head: ${text}`, { cause })
  }
}
