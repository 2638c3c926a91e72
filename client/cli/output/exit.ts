import { status } from "@grpc/grpc-js"
import { CanonicalError, MakeError, SigningPayloadError } from "@trust-registry/eatp"
import { UnsignedAuthorityError } from "../../authorityWord.js"
import { TrustStoreError } from "../../errors.js"
import { UsageError } from "../usage.js"

/** Exit codes of the command line, with what they mean. */
export const EXIT = {
  done: 0,
  incomplete: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unavailable: 5,
  failed: 6,
  // The exit code of shells for a process that SIGINT ended.
  interrupted: 130,
} as const

/** What each exit code means, for `--help`. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.done]: "done",
  [EXIT.incomplete]: "some documents were refused, chains not verified, an agent denied, or rows unreadable",
  [EXIT.usage]: "a command, flag or file that cannot be used",
  [EXIT.notFound]: "no such chain, record, authority or revocation, or a revision that is no longer kept",
  [EXIT.refused]:
    "refused by the registry or by EATP's rules: invalid, expired, not active, already there, or changed by somebody else",
  [EXIT.unavailable]: "the registry or its database is unavailable, or did not respond in time",
  [EXIT.failed]: "the registry failed, what it stores is corrupt, or a file could not be written",
  [EXIT.interrupted]:
    "interrupted by Ctrl-C, SIGTERM or SIGHUP; an import prints the line to resume from, a watch the revision, an export the flags",
}

/** Returns the exit code for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (RULE_ERRORS.some((kind) => error instanceof kind)) return EXIT.refused
  if (!(error instanceof TrustStoreError)) return EXIT.failed
  if (error.reason === "OVERLOADED") return EXIT.unavailable
  return CODES[error.code] ?? EXIT.failed
}

// Chains that break the rules of EATP or of its signed texts.
const RULE_ERRORS = [MakeError, SigningPayloadError, CanonicalError, UnsignedAuthorityError]

const CODES: Partial<Record<status, number>> = {
  [status.NOT_FOUND]: EXIT.notFound,
  // A revision that history no longer reaches back to.
  [status.OUT_OF_RANGE]: EXIT.notFound,
  [status.INVALID_ARGUMENT]: EXIT.refused,
  [status.FAILED_PRECONDITION]: EXIT.refused,
  [status.ABORTED]: EXIT.refused,
  [status.ALREADY_EXISTS]: EXIT.refused,
  // A message that is larger than the registry accepts.
  [status.RESOURCE_EXHAUSTED]: EXIT.refused,
  [status.UNAVAILABLE]: EXIT.unavailable,
  [status.DEADLINE_EXCEEDED]: EXIT.unavailable,
}

/** Whether the document is at fault, so that others may succeed. */
export function isRefusal(error: unknown): error is TrustStoreError {
  const code = exitCodeOf(error)
  return error instanceof TrustStoreError && (code === EXIT.refused || code === EXIT.notFound)
}
