/** Why the embedded PostgreSQL is unavailable. The message gives the details and what to do. */
export type EmbeddedPostgresErrorCode =
  | "UNSUPPORTED_PLATFORM"
  | "CANNOT_RUN"
  | "FOLDER_UNUSABLE"
  | "WRONG_VERSION"
  | "FOLDER_IN_USE"
  | "START_FAILED"
  | "STOP_FAILED"

/** The only error of the embedded PostgreSQL: `code` for programs, `message` for the person who started the server. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError"
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
