import { delegateCanonicalJson } from "../canonical/canonical.js"
import { JsonObject } from "../json/json.js"
import { type Signer, verifyText } from "../signing/ed25519.js"
import { hashField, nanosecondField, u64Field } from "./ledgerFields.js"
import { RevocationError } from "./revocationError.js"

/** The head that a ledger's owner signs after each change (EATP-12 D5). */
export type HeadCommitment = {
  /** Rises with every change; u64. */
  epoch: bigint
  /** Blocks of the owner's chain; u64. */
  blockCount: bigint
  /** Tip of the owner's chain: 32 bytes, lowercase hex. */
  tipHash: string
  /** Tip of the revocation ledger: 32 bytes, lowercase hex. */
  revocationLedgerTip: string
  /** RFC 3339 with nine digits of a second and `Z`, exactly as signed. */
  signedAt: string
}

/** The text under a head's signature. Throws RevocationError for an invalid head. */
export function headPayload(head: HeadCommitment): string {
  return delegateCanonicalJson(
    new JsonObject([
      ["block_count", u64Field("block_count", head.blockCount)],
      ["domain_sep", "EATP-12/head-commitment/v1"],
      ["epoch", u64Field("epoch", head.epoch)],
      ["revocation_ledger_tip", hashField("revocation_ledger_tip", head.revocationLedgerTip)],
      ["signed_at", nanosecondField("signed_at", head.signedAt)],
      ["tip_hash", hashField("tip_hash", head.tipHash)],
    ]),
  )
}

/** Signs a text of the ledger; gives the signature in lowercase hex, as EATP-12 writes it. */
export async function signLedgerText(signer: Signer, payload: string): Promise<string> {
  return Buffer.from(await signer.sign(Buffer.from(payload))).toString("hex")
}

/** Verifies a hex signature over a text of the ledger with a hex public key; false for malformed input. */
export function verifyLedgerText(payload: string, signatureHex: string, publicKeyHex: string): boolean {
  const hex = /^(?:[0-9a-fA-F]{2})*$/
  if (!hex.test(signatureHex) || !hex.test(publicKeyHex)) return false
  const [signature, key] = [Buffer.from(signatureHex, "hex"), Buffer.from(publicKeyHex, "hex")]
  return verifyText(payload, signature.toString("base64"), key.toString("base64"))
}

/** The highest head accepted so far; a reader keeps it, so that no head can roll back. */
export type HighWater = { epoch: bigint; tipHash?: string }

/**
 * Accepts a head and gives the new high-water mark. Throws RevocationError for a head below the highest epoch, or with
 * another tip at that epoch.
 */
export function acceptHead(highWater: HighWater, head: HeadCommitment): HighWater {
  if (head.epoch < highWater.epoch) {
    throw new RevocationError(
      `anti-rollback violation: epoch ${head.epoch} is lower than the retained high-water epoch ${highWater.epoch} ` +
        "(a persisted head cannot roll back to an earlier epoch)",
    )
  }
  const known = highWater.tipHash
  if (head.epoch === highWater.epoch && known !== undefined && known !== head.tipHash) {
    throw new RevocationError(
      `equivocation detected: two distinct heads at epoch ${head.epoch} — retained tip_hash ${known} vs presented ` +
        `${head.tipHash} (under strict-monotonic epochs a single epoch has at most one head; a differing same-epoch ` +
        "tip is a fork)",
    )
  }
  return { epoch: head.epoch, tipHash: head.tipHash }
}
