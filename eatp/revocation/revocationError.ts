/** A revocation record that EATP-12 does not allow, or a ledger that cannot be verified. */
export class RevocationError extends Error {
  override readonly name = "RevocationError"
}
