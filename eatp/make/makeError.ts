import type { Loosening } from "../rules/tightening.js"

/** Why a record is not made: stable words, for programs. */
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

/** A record that the rules of EATP do not allow to be made; nothing was signed. */
export class MakeError extends Error {
  override readonly name = "MakeError"
  readonly code: MakeErrorCode
  /** What would be looser, for LOOSER_CONSTRAINTS. */
  readonly loosenings: readonly Loosening[]

  /** Takes the code, the sentence for people, and what would be looser. */
  constructor(code: MakeErrorCode, message: string, loosenings: readonly Loosening[] = []) {
    super(message)
    this.code = code
    this.loosenings = loosenings
  }
}
