import { status as Code } from "@grpc/grpc-js"
import { ErrorReason } from "@trust-registry/proto"

/** How an error of one reason is reported. */
export interface ReasonRule {
  /** Its gRPC status code. */
  readonly code: Code
  /** Who is at fault. The log has a level for each. */
  readonly fault: "caller" | "server"
  /** Whether its details include a google.rpc.PreconditionFailure. */
  readonly precondition?: true
  /** Its details include a google.rpc.RetryInfo with this wait in milliseconds, unless the error has its own. */
  readonly retryAfterMs?: number
  /** How long another attempt may take until it fails again, in milliseconds. */
  readonly attemptMs?: number
}

/** The name of a reason without its prefix, as ErrorInfo carries it. */
export type ReasonName = keyof typeof ErrorReason

/** The name of a reason; INTERNAL for an unknown number. */
export function nameOf(reason: ErrorReason): ReasonName {
  return NAMES.get(reason) ?? "INTERNAL"
}

/** The rule of each reason of the contract. A reason without one does not compile. */
export const REASONS: Readonly<Record<ReasonName, ReasonRule>> = {
  UNSPECIFIED: { code: Code.INTERNAL, fault: "server" },
  TRUST_CHAIN_NOT_FOUND: { code: Code.NOT_FOUND, fault: "caller" },
  TRUST_CHAIN_EXPIRED: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
  TRUST_CHAIN_INACTIVE: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
  TRUST_CHAIN_REVOKED: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
  TRUST_CHAIN_INVALID: { code: Code.INVALID_ARGUMENT, fault: "caller" },
  TRUST_CHAIN_CORRUPT: { code: Code.DATA_LOSS, fault: "server" },
  AUTHORITY_NOT_FOUND: { code: Code.NOT_FOUND, fault: "caller" },
  AUTHORITY_EXISTS: { code: Code.ALREADY_EXISTS, fault: "caller" },
  AUTHORITY_INVALID: { code: Code.INVALID_ARGUMENT, fault: "caller" },
  AUTHORITY_CORRUPT: { code: Code.DATA_LOSS, fault: "server" },
  TRUST_RECORD_NOT_FOUND: { code: Code.NOT_FOUND, fault: "caller" },
  REVOCATION_NOT_FOUND: { code: Code.NOT_FOUND, fault: "caller" },
  REVOCATION_FINAL: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
  INVALID_REQUEST: { code: Code.INVALID_ARGUMENT, fault: "caller" },
  REQUEST_ID_REUSED: { code: Code.INVALID_ARGUMENT, fault: "caller" },
  REVISION_CONFLICT: { code: Code.ABORTED, fault: "caller" },
  REVISION_COMPACTED: { code: Code.OUT_OF_RANGE, fault: "caller" },
  BATCH_REFUSED: { code: Code.ABORTED, fault: "caller" },
  OVERLOADED: { code: Code.RESOURCE_EXHAUSTED, fault: "server", retryAfterMs: 100 },
  DATABASE_UNAVAILABLE: { code: Code.UNAVAILABLE, fault: "server", retryAfterMs: 250, attemptMs: 2_000 },
  SHUTTING_DOWN: { code: Code.UNAVAILABLE, fault: "caller", retryAfterMs: 500 },
  CANCELLED: { code: Code.CANCELLED, fault: "caller" },
  DEADLINE_EXCEEDED: { code: Code.DEADLINE_EXCEEDED, fault: "caller" },
  INTERNAL: { code: Code.INTERNAL, fault: "server" },
  AUTHORITY_INACTIVE: { code: Code.FAILED_PRECONDITION, fault: "caller" },
  AUTHORITY_NOT_PERMITTED: { code: Code.FAILED_PRECONDITION, fault: "caller" },
  VERIFICATION_LOST: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
  AUTHORITY_CHANGED: { code: Code.FAILED_PRECONDITION, fault: "caller", precondition: true },
}

const NAMES = new Map<number, ReasonName>(
  Object.entries(ErrorReason).map(([name, reason]) => [reason, name as ReasonName]),
)
