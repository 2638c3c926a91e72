/** Why the embedded PostgreSQL cannot be had; the message says it in full and names the ways out. */
export type EmbeddedPostgresErrorCode =
  | "UNSUPPORTED_PLATFORM"
  | "CANNOT_RUN"
  | "FOLDER_UNUSABLE"
  | "WRONG_VERSION"
  | "FOLDER_IN_USE"
  | "START_FAILED"
  | "STOP_FAILED"

/** The one error of the embedded PostgreSQL: `code` for programs, `message` for the person who started the server. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError"
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
