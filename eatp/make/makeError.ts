import type { Loosening } from "../rules/tightening.js"

/** Why a record cannot be made; stable codes for programs. */
export type MakeErrorCode =
  | "INVALID_ARGUMENT"
  | "EXPIRED"
  | "SOURCE_NOT_FOUND"
  | "SOURCE_INVALID"
  | "SELF_DELEGATION"
  | "CYCLE"
  | "DEPTH"
  | "NO_DELEGATION"
  | "CAPABILITY_NOT_FOUND"
  | "CAPABILITY_EXPIRED"
  | "LOOSER_CONSTRAINTS"
  | "AUTHORITY_INACTIVE"
  | "AUTHORITY_NOT_PERMITTED"

/** The rules of EATP do not allow a record to be made; nothing was signed. */
export class MakeError extends Error {
  override readonly name = "MakeError"
  readonly code: MakeErrorCode
  /** The constraints that would be looser, for LOOSER_CONSTRAINTS. */
  readonly loosenings: readonly Loosening[]

  /** Takes the code, a message for people, and the looser constraints. */
  constructor(code: MakeErrorCode, message: string, loosenings: readonly Loosening[] = []) {
    super(message)
    this.code = code
    this.loosenings = loosenings
  }
}
