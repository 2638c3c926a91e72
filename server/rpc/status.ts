import { type status as Code, Metadata, type StatusObject } from "@grpc/grpc-js"
import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { encodeDetails } from "./details.js"
import { nameOf, REASONS } from "./reasons.js"
import { sanitizeForPeople } from "./sanitize.js"

/**
 * The status of a failed call: code and message, google.rpc details in `grpc-status-details-bin`, and, where a retry makes
 * sense, the wait before it as RetryInfo and as `grpc-retry-pushback-ms`. grpc-js obeys the pushback only.
 *
 * @param leftMs the time until the caller's deadline, in milliseconds. A retry that could not end before it is called off:
 *   the caller would get DEADLINE_EXCEEDED in place of the reason.
 */
export function statusOf(error: RegistryError, leftMs = Number.POSITIVE_INFINITY): Partial<StatusObject> {
  const { code, attemptMs = 0 } = REASONS[nameOf(error.reason)]
  const message = sanitizeForPeople(error.sentence, MAX_MESSAGE_BYTES)
  const wait = retryAfterOf(error)
  const metadata = new Metadata()
  metadata.set("grpc-status-details-bin", encodeDetails(error, message, wait))
  if (wait !== undefined)
    metadata.set("grpc-retry-pushback-ms", wait + attemptMs < leftMs ? String(wait) : NEVER)
  return { code, details: message, metadata }
}

/** A negative pushback means: do not retry (gRFC A6). */
const NEVER = "-1"

/** Percent-encoding can triple its length, and it shares 8 kB of metadata with the details. */
const MAX_MESSAGE_BYTES = 512

/** How long to wait before a retry, in milliseconds; undefined where a retry makes no sense. */
export function retryAfterOf({ reason, failure }: RegistryError): number | undefined {
  const { retryAfterMs } = REASONS[nameOf(reason)]
  return retryAfterMs === undefined ? undefined : spread(failure.retryAfterMs ?? retryAfterMs)
}

/** Adds up to a half at random, so that callers refused together do not all retry at once. */
function spread(ms: number) {
  return Math.ceil(ms * (1 + Math.random() / 2))
}

/**
 * The contract's error for whatever was thrown. Anything but a {@link RegistryError} becomes INTERNAL with a fixed message:
 * its own may reveal the inside of the server or another caller's data.
 */
export function registryErrorOf(thrown: unknown): RegistryError {
  if (thrown instanceof RegistryError) return thrown
  return new RegistryError(ErrorReason.INTERNAL, "internal error: the server's log tells more", {
    cause: thrown,
  })
}

/** A failure with a bare status, as contracts of others (health) define them, without a reason of ours. */
export class PlainStatusError extends Error {
  override readonly name = "PlainStatusError"
  /** The gRPC status code. */
  readonly code: Code
  /** What the caller gets. */
  readonly status: Partial<StatusObject>

  /** @param metadata goes with the status as trailers */
  constructor(code: Code, message: string, metadata = new Metadata()) {
    super(message)
    this.code = code
    this.status = { code, details: message, metadata }
  }
}
