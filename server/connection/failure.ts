/** The code of a {@link DatabaseUnfit}. */
export const UNFIT = "DATABASE_UNFIT"

/** A database that can be reached and must not be used as it is. The message names what is wrong and what to do. */
export class DatabaseUnfit extends Error {
  override readonly name = "DatabaseUnfit"
  /** For those who look at codes of driver errors. */
  readonly code: string = UNFIT
}

/** An Error with the code of a lost connection or failed attempt, which another attempt may not meet. */
export function connectionFailure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code })
}
