/** Why a record has no signing payload: its version is unknown, or its version cannot sign its contents. */
export type SigningPayloadCode = "unsupported_version" | "unsignable"

/** A record has no payload to sign; the message is that of the reference implementation's exception. */
export class SigningPayloadError extends Error {
  override readonly name = "SigningPayloadError"
  readonly code: SigningPayloadCode

  /** Takes the code and the reference implementation's text. */
  constructor(code: SigningPayloadCode, message: string) {
    super(message)
    this.code = code
  }
}
