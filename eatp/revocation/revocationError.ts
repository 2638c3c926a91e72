/**
 * A revocation record that EATP-12 does not allow, or a ledger that does not hold; the message says what and
 * why.
 */
export class RevocationError extends Error {
  override readonly name = "RevocationError"
}
