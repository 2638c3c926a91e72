import { create, createRegistry, type DescMethod } from "@bufbuild/protobuf"
import { type Any, anyUnpack, durationMs } from "@bufbuild/protobuf/wkt"
import { type ServiceError, status } from "@grpc/grpc-js"
import {
  AuthoritySchema,
  BadRequestSchema,
  decode,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from "@trust-registry/proto"
import {
  AuthorityChangedError,
  AuthorityExistsError,
  AuthorityInactiveError,
  AuthorityInvalidError,
  AuthorityNotFoundError,
  AuthorityNotPermittedError,
  type ErrorDetail,
  type ErrorFacts,
  InvalidRequestError,
  RevisionCompactedError,
  RevisionConflictError,
  RevocationFinalError,
  RevocationNotFoundError,
  TrustChainExpiredError,
  TrustChainInactiveError,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  TrustChainRevokedError,
  TrustRecordNotFoundError,
  TrustStoreDatabaseError,
  TrustStoreError,
  VerificationLostError,
} from "./errors.js"
import { isReason } from "./resume.js"
import { IllFormedValueError } from "./rpc/wellFormed.js"
import { MessageTooLargeError } from "./sendLimit.js"

/**
 * Converts the failure of a call to a typed error. Other errors than a gRPC status or a local refusal are returned unchanged.
 *
 * @param request names the agent of an error that did not come from the registry itself
 */
export function failureOf(method: DescMethod, error: unknown, request: object = {}): Error {
  const name = nameOf(method)
  if (error instanceof IllFormedValueError) return refusalOf(name, error)
  if (error instanceof MessageTooLargeError) {
    return typedError(error.message, { code: status.RESOURCE_EXHAUSTED, method: name, cause: error })
  }
  if (isServiceError(error)) return statusError(name, error, request)
  return error as Error
}

/** The name of an RPC in errors. */
export function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`
}

/**
 * Returns the typed error for one item of a batch: the one that a call for it alone would have failed with.
 *
 * @param agentId the agent of the item, in case the details do not name it
 */
export function itemFailure(
  method: DescMethod,
  item: Status | undefined,
  agentId: string | undefined,
): TrustStoreError {
  const { code = status.UNKNOWN, message = "the registry returned no result", details = [] } = item ?? {}
  return typedError(message, {
    code,
    method: nameOf(method),
    agentId: agentId || undefined,
    ...factsOf(details),
  })
}

function typedError(message: string, facts: ErrorFacts) {
  const Class = CLASSES.get(facts.reason ?? "") ?? TrustStoreError
  return new Class(message, facts)
}

// A map: a reason is what the other end sends, and may be `constructor`.
const CLASSES: ReadonlyMap<string, typeof TrustStoreError> = new Map(
  Object.entries({
    TRUST_CHAIN_NOT_FOUND: TrustChainNotFoundError,
    TRUST_CHAIN_EXPIRED: TrustChainExpiredError,
    TRUST_CHAIN_INACTIVE: TrustChainInactiveError,
    TRUST_CHAIN_REVOKED: TrustChainRevokedError,
    TRUST_CHAIN_INVALID: TrustChainInvalidError,
    AUTHORITY_NOT_FOUND: AuthorityNotFoundError,
    AUTHORITY_INVALID: AuthorityInvalidError,
    AUTHORITY_EXISTS: AuthorityExistsError,
    AUTHORITY_INACTIVE: AuthorityInactiveError,
    AUTHORITY_NOT_PERMITTED: AuthorityNotPermittedError,
    VERIFICATION_LOST: VerificationLostError,
    AUTHORITY_CHANGED: AuthorityChangedError,
    TRUST_RECORD_NOT_FOUND: TrustRecordNotFoundError,
    REVOCATION_NOT_FOUND: RevocationNotFoundError,
    REVOCATION_FINAL: RevocationFinalError,
    INVALID_REQUEST: InvalidRequestError,
    REVISION_CONFLICT: RevisionConflictError,
    REVISION_COMPACTED: RevisionCompactedError,
    DATABASE_UNAVAILABLE: TrustStoreDatabaseError,
  }),
)

const DETAILS = createRegistry(
  ErrorInfoSchema,
  BadRequestSchema,
  ResourceInfoSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
)

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error
}

function statusError(method: string, error: ServiceError, request: { agentId?: unknown }) {
  const facts: ErrorFacts = { code: error.code, method, cause: error, ...factsOf(packedDetails(error)) }
  facts.reason ??= LOCAL_REASONS[error.code]
  if (OUT_OF_REACH.has(error.code) && typeof request.agentId === "string")
    facts.agentId ??= request.agentId || undefined
  return typedError(messageOf(error), facts)
}

function messageOf({ details, message }: ServiceError) {
  return details.replace(EMPTY_NOTE, "") || message
}

/** What grpc-js appends to "No connection established", often without content. */
const EMPTY_NOTE = / Resolution note: $/

const OUT_OF_REACH = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED])

/** Statuses that grpc-js itself produces have no details. */
const LOCAL_REASONS: Partial<Record<status, string>> = {
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.CANCELLED]: "CANCELLED",
}

function packedDetails(error: ServiceError): Any[] {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  return Buffer.isBuffer(bytes) ? readable(() => decode(StatusSchema, bytes).details) : []
}

/** Details that a proxy corrupted must not hide the status. */
function readable<Detail>(read: () => Detail[]): Detail[] {
  try {
    return read()
  } catch {
    return []
  }
}

/** Details of unknown types are skipped. */
function unpacked(any: Any): ErrorDetail[] {
  const known = anyUnpack(any, DETAILS)
  // DETAILS has these types and no others.
  return known ? [known as ErrorDetail] : []
}

function factsOf(packed: readonly Any[]): Partial<ErrorFacts> {
  const details = packed.flatMap((any) => readable(() => unpacked(any)))
  const facts: Partial<ErrorFacts> = { details }
  for (const detail of details) {
    switch (detail.$typeName) {
      case "google.rpc.ErrorInfo":
        if (!isReason(detail)) break
        facts.reason = detail.reason
        facts.metadata = detail.metadata
        break
      case "google.rpc.ResourceInfo":
        if (detail.resourceType === AuthoritySchema.typeName) facts.authorityId = detail.resourceName
        else facts.agentId = detail.resourceName
        break
      case "google.rpc.RetryInfo":
        facts.retryAfterMs = detail.retryDelay ? durationMs(detail.retryDelay) : 0
    }
  }
  return facts
}

/** The error that the registry would have returned, could the text have been sent. */
function refusalOf(method: string, cause: IllFormedValueError) {
  const { field, message } = cause
  const violation = { field, description: message.slice(field.length + 1) }
  const reason = DOCUMENTS[field.replace(/^request\./, "").split(".")[0] ?? ""] ?? "INVALID_REQUEST"
  return typedError(message, {
    code: status.INVALID_ARGUMENT,
    reason,
    method,
    details: [create(BadRequestSchema, { fieldViolations: [violation] })],
    cause,
  })
}

/** The reasons for invalid documents, by the field of the request that holds the document. */
const DOCUMENTS: Record<string, string> = { chain: "TRUST_CHAIN_INVALID", authority: "AUTHORITY_INVALID" }
