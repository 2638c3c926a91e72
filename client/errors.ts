import type { status } from "@grpc/grpc-js"
import type {
  BadRequest,
  ErrorInfo,
  ErrorReason,
  PreconditionFailure,
  ResourceInfo,
  RetryInfo,
} from "@trust-registry/proto"

/** The stable reasons of failed calls; a newer registry may have more. See `ErrorReason` in the contract. */
export type ErrorReasonName = Exclude<keyof typeof ErrorReason, "UNSPECIFIED"> | (string & {})

/** A google.rpc detail of a failed call. */
export type ErrorDetail = ErrorInfo | BadRequest | ResourceInfo | PreconditionFailure | RetryInfo

/** A field that breaks a rule. */
export interface FieldViolation {
  /** Path in proto names, for example `chain.genesis.agent_id`. Empty if it is not a single field. */
  field: string
  /** A sentence that says what is wrong. */
  description: string
}

/** What is known about a failed call. */
export interface ErrorFacts {
  /** The gRPC status code. */
  code: status
  /** The reason, as the contract names it. Undefined if the error came from the connection or a proxy. */
  reason?: ErrorReasonName | undefined
  /** The RPC, for example `trustregistry.v1.TrustStoreService.GetChain`. */
  method?: string | undefined
  /** The agent whose chain the error is about. */
  agentId?: string | undefined
  /** The authority that the error is about. */
  authorityId?: string | undefined
  /** All google.rpc details that came with the status. */
  details?: readonly ErrorDetail[]
  /** Metadata of the ErrorInfo. */
  metadata?: Readonly<Record<string, string>>
  /** How long to wait before a retry, in milliseconds. */
  retryAfterMs?: number | undefined
  /** The original error: grpc-js's ServiceError, or the one that refused the request locally. */
  cause?: unknown
}

/** A call that failed. A call past its deadline has the code and reason DEADLINE_EXCEEDED. */
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

/** TRUST_CHAIN_NOT_FOUND: `agentId` has no chain, or an inactive one. */
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

/** TRUST_CHAIN_INACTIVE: the write needs an active chain, and the agent's is deleted or suspended. */
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

  /** The invalid fields: the first 16, then one without a field that counts the rest. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** AUTHORITY_NOT_FOUND: `authorityId` is not registered; it may be a parent. */
export class AuthorityNotFoundError extends TrustStoreError {
  override readonly name = "AuthorityNotFoundError"
}

/** AUTHORITY_INVALID: the authority breaks a rule. */
export class AuthorityInvalidError extends TrustStoreError {
  override readonly name = "AuthorityInvalidError"

  /** The invalid fields: the first 16, then one without a field that counts the rest. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** AUTHORITY_EXISTS: `authorityId` is already registered, active or not. */
export class AuthorityExistsError extends TrustStoreError {
  override readonly name = "AuthorityExistsError"

  /** The revision of the registered authority. */
  get revision(): bigint {
    return BigInt(this.metadata.revision ?? 0)
  }
}

/** AUTHORITY_INACTIVE: a new record is signed by `authorityId`, which is inactive. */
export class AuthorityInactiveError extends TrustStoreError {
  override readonly name = "AuthorityInactiveError"

  /** The signatures of the new records: the first 16, then one without a field that counts the rest. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** AUTHORITY_NOT_PERMITTED: `authorityId` lacks the permission for a new record, or for an authority below it. */
export class AuthorityNotPermittedError extends TrustStoreError {
  override readonly name = "AuthorityNotPermittedError"

  /** The signatures or fields: the first 16, then one without a field that counts the rest. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** VERIFICATION_LOST: the chain of `agentId` is VERIFIED and would not be any more. */
export class VerificationLostError extends TrustStoreError {
  override readonly name = "VerificationLostError"
}

/** AUTHORITY_CHANGED: the chain of `agentId` would move to another genesis authority. */
export class AuthorityChangedError extends TrustStoreError {
  override readonly name = "AuthorityChangedError"

  /** The genesis authority of the stored chain. */
  get current(): string {
    return this.metadata.authority_id ?? ""
  }
}

/** TRUST_RECORD_NOT_FOUND: the chain of `agentId` has no such delegation or capability, or `authorityId` no such key. */
export class TrustRecordNotFoundError extends TrustStoreError {
  override readonly name = "TrustRecordNotFoundError"
}

/** REVOCATION_NOT_FOUND: no revocation has that id. */
export class RevocationNotFoundError extends TrustStoreError {
  override readonly name = "RevocationNotFoundError"
}

/** REVOCATION_FINAL: the revocation is not a suspension and cannot be lifted. */
export class RevocationFinalError extends TrustStoreError {
  override readonly name = "RevocationFinalError"
}

/** INVALID_REQUEST: the request breaks a rule. */
export class InvalidRequestError extends TrustStoreError {
  override readonly name = "InvalidRequestError"

  /** The invalid fields. */
  get violations(): readonly FieldViolation[] {
    return violationsIn(this.details)
  }
}

/** REVISION_CONFLICT: somebody else changed the chain or authority. */
export class RevisionConflictError extends TrustStoreError {
  override readonly name = "RevisionConflictError"

  /** The expected_revision of the request. */
  get expected(): bigint {
    return BigInt(this.metadata.expected_revision ?? 0)
  }

  /** The revision of the chain or authority; 0 if no chain is stored. */
  get revision(): bigint {
    return BigInt(this.metadata.revision ?? 0)
  }
}

/** REVISION_COMPACTED: history no longer reaches back to the requested revision. */
export class RevisionCompactedError extends TrustStoreError {
  override readonly name = "RevisionCompactedError"

  /** The oldest revision that history has. */
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
