import { ErrorReason } from "@trust-registry/proto"

/** A field of a request that breaks a rule. */
export interface FieldViolation {
  /** Path in proto names, for example `chain.genesis.agent_id`. */
  field: string
  /** A sentence that names the limit. */
  description: string
}

/** What is known about a failure beside its reason. */
export interface Failure {
  /** The fields that are wrong. */
  violations?: FieldViolation[]
  /** The agent whose chain it is about. */
  agentId?: string
  /** The authority that it is about. */
  authorityId?: string
  /** Facts for ErrorInfo.metadata. */
  metadata?: Record<string, string>
  /** What must change first, for FAILED_PRECONDITION. */
  precondition?: string
  /** How long to wait before the call is sent again, in milliseconds. */
  retryAfterMs?: number
  /** What caused it; logged, never told. */
  cause?: unknown
}

/** A call that fails for a reason of the contract. Thrown where the rule breaks, turned into a status by the rpc edge. */
export class RegistryError extends Error {
  override readonly name = "RegistryError"
  /** Why, as the contract lists it. */
  readonly reason: ErrorReason
  /** What else is known. */
  readonly failure: Failure

  constructor(reason: ErrorReason, message: string, failure: Failure = {}) {
    super(message, { cause: failure.cause })
    this.reason = reason
    this.failure = failure
  }
}

/** A request that breaks a rule, with the fields in question. */
export function invalidRequest(field: string, description: string): RegistryError {
  return new RegistryError(ErrorReason.INVALID_REQUEST, `${field}: ${description}`, {
    violations: [{ field, description }],
  })
}
