import { ErrorReason } from "@trust-registry/proto"
import { remedyOf } from "./remedies.js"

/** A field of a request that breaks a rule. */
export interface FieldViolation {
  /** Path in proto names, for example `chain.genesis.agent_id`. */
  field: string
  /** A sentence that names the limit. */
  description: string
}

/** The details of a failure beside its reason. */
export interface Failure {
  /** The invalid fields. */
  violations?: FieldViolation[]
  /** The agent whose chain it is about. */
  agentId?: string
  /** The authority that it is about. */
  authorityId?: string
  /** Facts for ErrorInfo.metadata. */
  metadata?: Record<string, string>
  /** What to do about it, where that of its reason does not fit. */
  remedy?: string
  /** What must change first, for FAILED_PRECONDITION. */
  precondition?: string
  /** How long to wait before retrying the call, in milliseconds. */
  retryAfterMs?: number
  /** The underlying error; logged, never sent to the caller. */
  cause?: unknown
}

/** A failure with one of the contract's reasons. Thrown where the rule is broken, and converted to a status by server/rpc. */
export class RegistryError extends Error {
  override readonly name = "RegistryError"
  /** The contract's reason. */
  readonly reason: ErrorReason
  /** The details. */
  readonly failure: Failure

  constructor(reason: ErrorReason, message: string, failure: Failure = {}) {
    super(message, { cause: failure.cause })
    this.reason = reason
    this.failure = failure
  }

  /** What people are told: what is wrong, with which record, and what to do about it. */
  get sentence(): string {
    const remedy = this.failure.remedy ?? remedyOf(this.reason)
    return remedy === "" ? this.message : `${this.message}; ${remedy}`
  }
}

/** The error for a request with an invalid field. */
export function invalidRequest(field: string, description: string): RegistryError {
  return new RegistryError(ErrorReason.INVALID_REQUEST, `${field}: ${description}`, {
    violations: [{ field, description }],
  })
}
