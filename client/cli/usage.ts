/** The command, a flag or a file cannot be used as it was given. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}
