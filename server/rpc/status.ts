import { type status as Code, Metadata, type StatusObject } from "@grpc/grpc-js"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { encodeDetails } from "./details.js"
import { nameOf, REASONS } from "./reasons.js"
import { tellable } from "./texts.js"

/**
 * The status of a failed call: code and message, google.rpc details in `grpc-status-details-bin`, and where the call may
 * be sent again the wait, both as RetryInfo and as `grpc-retry-pushback-ms`, which is all that grpc-js obeys.
 *
 * @param leftMs until the caller's deadline. An attempt that could not end before it is not asked for: the caller would
 *   hear that its deadline passed, and not why.
 */
export function statusOf(error: RegistryError, leftMs = Number.POSITIVE_INFINITY): Partial<StatusObject> {
  const { code, attemptMs = 0 } = REASONS[nameOf(error.reason)]
  const message = tellable(error.message, MAX_MESSAGE_BYTES)
  const wait = retryAfterOf(error)
  const metadata = new Metadata()
  metadata.set("grpc-status-details-bin", encodeDetails(error, message, wait))
  if (wait !== undefined)
    metadata.set("grpc-retry-pushback-ms", wait + attemptMs < leftMs ? String(wait) : NEVER)
  return { code, details: message, metadata }
}

/** A pushback below 0 means: not within this call (gRFC A6). */
const NEVER = "-1"

/** Percent-encoded it may become three times as long, and it shares 8 kB with the details. */
const MAX_MESSAGE_BYTES = 512

/** How long to wait before another attempt, in milliseconds; undefined where another attempt is of no use. */
export function retryAfterOf({ reason, failure }: RegistryError): number | undefined {
  const { retryAfterMs } = REASONS[nameOf(reason)]
  return retryAfterMs === undefined ? undefined : spread(failure.retryAfterMs ?? retryAfterMs)
}

/** Up to half as long again: callers refused together do not come back together. */
function spread(ms: number) {
  return Math.ceil(ms * (1 + Math.random() / 2))
}

/**
 * The error of the contract for whatever was thrown. What is none of ours becomes INTERNAL with a bare text: what it says
 * may be about the inside of the server or another caller's data.
 */
export function registryErrorOf(thrown: unknown): RegistryError {
  if (thrown instanceof RegistryError) return thrown
  return new RegistryError(ErrorReason.INTERNAL, "internal error: the server's log tells more", {
    cause: thrown,
  })
}

/** A refusal that a contract of others (health) defines: a bare code and message, none of our reasons. */
export class PlainStatusError extends Error {
  override readonly name = "PlainStatusError"
  /** The gRPC status code. */
  readonly code: Code

  constructor(code: Code, message: string) {
    super(message)
    this.code = code
  }
}
