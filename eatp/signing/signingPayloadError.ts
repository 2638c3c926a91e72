/**
 * Why a record has no signing payload: a version that EATP does not know, or contents that its version cannot
 * sign.
 */
export type SigningPayloadCode = "unsupported_version" | "unsignable"

/** A record that has no bytes to sign; the message is what the reference implementation's exception says. */
export class SigningPayloadError extends Error {
  override readonly name = "SigningPayloadError"
  readonly code: SigningPayloadCode

  /** Takes the code and the reference implementation's text. */
  constructor(code: SigningPayloadCode, message: string) {
    super(message)
    this.code = code
  }
}
