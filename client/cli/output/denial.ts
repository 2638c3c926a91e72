import { commandRemedy } from "@trust-registry/eatp"
import { type DenialReason, DenialReasonSchema } from "@trust-registry/proto"

/** What an answer says about a denial. */
export interface Denied {
  reason: DenialReason
  reasonText: string
  cause: DenialReason
  explanation: string
}

/** Lines that tell why trust is denied, with which record, and what to do about it on the command line. */
export function* denialLines({ reason, reasonText, cause, explanation }: Denied): Iterable<string> {
  // A registry from before 0.3 explains nothing.
  if (explanation === "") return yield `denied: ${nameOf(reason)}: ${reasonText}`
  yield `denied: ${nameOf(cause)}: ${explanation}`
  yield* hintLines(nameOf(cause))
  if (cause !== reason) yield `in EATP's terms: ${nameOf(reason)}`
}

/** The line that says what to do about a cause of denial; none for one that is not known here. */
export function hintLines(cause: string): string[] {
  const remedy = commandRemedy(cause)
  return remedy === "" ? [] : [`hint: ${remedy}`]
}

function nameOf(reason: DenialReason): string {
  return DenialReasonSchema.value[reason]?.localName ?? String(reason)
}
