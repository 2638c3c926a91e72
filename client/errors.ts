import type { status } from "@grpc/grpc-js"
import type {
  BadRequest,
  ErrorInfo,
  ErrorReason,
  PreconditionFailure,
  ResourceInfo,
  RetryInfo,
} from "@trust-registry/proto"

/** The stable names of why a call failed; a later registry may know more. See `ErrorReason` in the contract. */
export type ErrorReasonName = Exclude<keyof typeof ErrorReason, "UNSPECIFIED"> | (string & {})

/** A google.rpc detail of a failed call. */
export type ErrorDetail = ErrorInfo | BadRequest | ResourceInfo | PreconditionFailure | RetryInfo

/** A field that breaks a rule. */
export interface FieldViolation {
  /** Path in proto names, for example `chain.genesis.agent_id`; empty where it is no single field. */
  field: string
  /** A sentence that says what is wrong. */
  description: string
}

/** What is known about a failed call. */
export interface ErrorFacts {
  /** The gRPC status code. */
  code: status
  /** Why, as the contract names it; undefined where only the line or a proxy spoke. */
  reason?: ErrorReasonName | undefined
  /** The RPC, for example `trustregistry.v1.TrustStoreService.GetChain`. */
  method?: string | undefined
  /** The agent whose chain it is about. */
  agentId?: string | undefined
  /** The authority that it is about. */
  authorityId?: string | undefined
  /** All google.rpc details that came with the status. */
  details?: readonly ErrorDetail[]
  /** Facts of the ErrorInfo. */
  metadata?: Readonly<Record<string, string>>
  /** How long to wait before the call is sent again, in milliseconds. */
  retryAfterMs?: number | undefined
  /** What was thrown first: grpc-js's ServiceError or the local refusal. */
  cause?: unknown
}

/** A call that failed. A deadline that passed has code and reason DEADLINE_EXCEEDED. */
export class TrustStoreError extends Error implements ErrorFacts {
  override readonly name: string = "TrustStoreError"
  readonly code: status
  readonly reason: ErrorReasonName | undefined
  readonly method: string | undefined
  readonly agentId: string | undefined
  readonly authorityId: string | undefined
  readonly details: readonly ErrorDetail[]
  readonly metadata: Readonly<Record<string, string>>
  readonly retryAfterMs: number | undefined

  constructor(message: string, facts: ErrorFacts) {
    super(message, { cause: facts.cause })
    this.code = facts.code
    this.reason = facts.reason
    this.method = facts.method
    this.agentId = facts.agentId
    this.authorityId = facts.authorityId
    this.details = facts.details ?? []
    this.metadata = facts.metadata ?? {}
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** TRUST_CHAIN_NOT_FOUND: no chain of `agentId`, or one that is not active. */
export class TrustChainNotFoundError extends TrustStoreError {
  override readonly name = "TrustChainNotFoundError"

  /** The status of a chain that is stored but not active: `DELETED`, `SUSPENDED` or `REVOKED`; empty where none is stored. */
  get status(): string {
    return this.metadata.status ?? ""
  }
}

/** TRUST_CHAIN_EXPIRED: the chain of `agentId` is past its expiry. */
export class TrustChainExpiredError extends TrustStoreError {
  override readonly name = "TrustChainExpiredError"
}

/** TRUST_CHAIN_INACTIVE: the write needs an active chain, and that of the agent is deleted or suspended. */
export class TrustChainInactiveError extends TrustStoreError {
  override readonly name = "TrustChainInactiveError"

  /** The chain's status, as ChainStatus names it: `DELETED` or `SUSPENDED`. */
  get status(): string {
    return this.metadata.status ?? ""
  }
}

/** TRUST_CHAIN_REVOKED: the write needs an active chain, and the chain or its agent is revoked. */
export class TrustChainRevokedError extends TrustStoreError {
  override readonly name = "TrustChainRevokedError"
}

/** TRUST_CHAIN_INVALID: the chain breaks a rule. */
export class TrustChainInvalidError extends TrustStoreError {
  override readonly name = "TrustChainInvalidError"

  /** The fields that are wrong: the first 16; what is left over is counted in a last one without a field. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** AUTHORITY_NOT_FOUND: `authorityId` is not registered, be it the one that is meant or a parent. */
export class AuthorityNotFoundError extends TrustStoreError {
  override readonly name = "AuthorityNotFoundError"
}

/** AUTHORITY_INVALID: the authority breaks a rule. */
export class AuthorityInvalidError extends TrustStoreError {
  override readonly name = "AuthorityInvalidError"

  /** The fields that are wrong: the first 16; what is left over is counted in a last one without a field. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** AUTHORITY_EXISTS: `authorityId` is registered already, active or not. */
export class AuthorityExistsError extends TrustStoreError {
  override readonly name = "AuthorityExistsError"

  /** The revision of the one that is registered. */
  get revision(): bigint {
    return BigInt(this.metadata.revision ?? 0)
  }
}

/** TRUST_RECORD_NOT_FOUND: the chain of `agentId` has no such delegation or capability, or `authorityId` no such key. */
export class TrustRecordNotFoundError extends TrustStoreError {
  override readonly name = "TrustRecordNotFoundError"
}

/** REVOCATION_NOT_FOUND: there is no revocation of that id. */
export class RevocationNotFoundError extends TrustStoreError {
  override readonly name = "RevocationNotFoundError"
}

/** REVOCATION_FINAL: the revocation is no suspension, and nothing lifts it. */
export class RevocationFinalError extends TrustStoreError {
  override readonly name = "RevocationFinalError"
}

/** INVALID_REQUEST: the request breaks a rule. */
export class InvalidRequestError extends TrustStoreError {
  override readonly name = "InvalidRequestError"

  /** The fields that are wrong. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** REVISION_CONFLICT: somebody else has changed the chain or authority. */
export class RevisionConflictError extends TrustStoreError {
  override readonly name = "RevisionConflictError"

  /** The expected_revision of the request. */
  get expected(): bigint {
    return BigInt(this.metadata.expected_revision ?? 0)
  }

  /** The revision of the chain or authority; 0 where no chain is stored. */
  get revision(): bigint {
    return BigInt(this.metadata.revision ?? 0)
  }
}

/** REVISION_COMPACTED: the history no longer tells of the revision that was asked for. */
export class RevisionCompactedError extends TrustStoreError {
  override readonly name = "RevisionCompactedError"

  /** The oldest revision that can be asked for. */
  get oldestRevision(): bigint {
    return BigInt(this.metadata.oldest_revision ?? 0)
  }
}

/** DATABASE_UNAVAILABLE: the registry cannot reach its database; `retryAfterMs` says when to try again. */
export class TrustStoreDatabaseError extends TrustStoreError {
  override readonly name = "TrustStoreDatabaseError"
}

function violationsIn(details: readonly ErrorDetail[]): readonly FieldViolation[] {
  return details.flatMap((detail) =>
    detail.$typeName === "google.rpc.BadRequest" ? detail.fieldViolations : [],
  )
}
