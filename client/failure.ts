import { create, createRegistry, type DescMethod } from "@bufbuild/protobuf"
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt"
import { type ServiceError, status } from "@grpc/grpc-js"
import {
  AuthoritySchema,
  BadRequestSchema,
  decode,
  ErrorInfoSchema,
  ErrorReasonSchema,
  type ItemError,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from "@trust-registry/proto"
import {
  AuthorityExistsError,
  AuthorityInvalidError,
  AuthorityNotFoundError,
  type ErrorDetail,
  type ErrorFacts,
  InvalidRequestError,
  RevisionCompactedError,
  RevisionConflictError,
  RevocationFinalError,
  RevocationNotFoundError,
  TrustChainExpiredError,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  TrustChainRevokedError,
  TrustRecordNotFoundError,
  TrustStoreDatabaseError,
  TrustStoreError,
} from "./errors.js"
import { MAX_MESSAGE_BYTES } from "./options.js"
import { IllFormedStringError } from "./rpc/wellFormed.js"

/**
 * The typed error of a call that failed. What is neither a status nor a local refusal is given back as it is.
 *
 * @param request tells whose chain it was about where the line or the database spoke, which do not know it
 */
export function failureOf(method: DescMethod, error: unknown, request: object = {}): Error {
  const name = nameOf(method)
  if (error instanceof IllFormedStringError) return refusalOf(name, error)
  if (isServiceError(error)) return statusError(name, error, request)
  return error as Error
}

/** The RPC as errors name it. */
export function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`
}

/** The typed error of one item of many: what a call for it alone would have failed with. */
export function itemFailure(method: DescMethod, item: ItemError | undefined): TrustStoreError {
  const { code = status.UNKNOWN, message = "the registry gave no result", violations = [] } = item ?? {}
  const reason = item && ErrorReasonSchema.value[item.reason]?.localName
  const fieldViolations = violations.map(({ field, description }) => ({ field, description }))
  const Class = CLASSES[reason ?? ""] ?? TrustStoreError
  return new Class(message, {
    code,
    reason,
    method: nameOf(method),
    agentId: item?.agentId || undefined,
    details: fieldViolations.length > 0 ? [create(BadRequestSchema, { fieldViolations })] : [],
    metadata: item?.metadata ?? {},
    retryAfterMs: item?.retryAfter && durationMs(item.retryAfter),
  })
}

const CLASSES: Record<string, typeof TrustStoreError> = {
  TRUST_CHAIN_NOT_FOUND: TrustChainNotFoundError,
  TRUST_CHAIN_EXPIRED: TrustChainExpiredError,
  TRUST_CHAIN_REVOKED: TrustChainRevokedError,
  TRUST_CHAIN_INVALID: TrustChainInvalidError,
  AUTHORITY_NOT_FOUND: AuthorityNotFoundError,
  AUTHORITY_INVALID: AuthorityInvalidError,
  AUTHORITY_EXISTS: AuthorityExistsError,
  TRUST_RECORD_NOT_FOUND: TrustRecordNotFoundError,
  REVOCATION_NOT_FOUND: RevocationNotFoundError,
  REVOCATION_FINAL: RevocationFinalError,
  INVALID_REQUEST: InvalidRequestError,
  REVISION_CONFLICT: RevisionConflictError,
  REVISION_COMPACTED: RevisionCompactedError,
  DATABASE_UNAVAILABLE: TrustStoreDatabaseError,
}

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
  const details = detailsOf(error)
  const facts: ErrorFacts = { code: error.code, method, details, cause: error, ...factsOf(details) }
  facts.reason ??= LOCAL_REASONS[error.code]
  if (OUT_OF_REACH.has(error.code) && typeof request.agentId === "string")
    facts.agentId ??= request.agentId || undefined
  const Class = CLASSES[facts.reason ?? ""] ?? TrustStoreError
  return new Class(messageOf(error), facts)
}

function messageOf({ code, details, message }: ServiceError) {
  if (code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(details)) {
    return `the request is larger than the ${MAX_MESSAGE_BYTES} bytes that a registry takes`
  }
  return details.replace(EMPTY_NOTE, "") || message
}

/** What grpc-js says of a message that it does not send. */
const TOO_LARGE = /^Attempted to send message with a size larger than/

/** What grpc-js puts behind "No connection established" has often nothing to say. */
const EMPTY_NOTE = / Resolution note: $/

const OUT_OF_REACH = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED])

/** What grpc-js itself ends has no details. */
const LOCAL_REASONS: Partial<Record<status, string>> = {
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.CANCELLED]: "CANCELLED",
}

function detailsOf(error: ServiceError): ErrorDetail[] {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  if (!Buffer.isBuffer(bytes)) return []
  try {
    const packed = decode(StatusSchema, bytes).details
    return packed.map((any) => anyUnpack(any, DETAILS) as ErrorDetail | undefined).filter((known) => !!known)
  } catch {
    // Details of a proxy that we cannot read must not hide the status that came with them.
    return []
  }
}

function factsOf(details: readonly ErrorDetail[]): Partial<ErrorFacts> {
  const facts: Partial<ErrorFacts> = {}
  for (const detail of details) {
    switch (detail.$typeName) {
      case "google.rpc.ErrorInfo":
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

/** As the registry would have told it, had the text been able to travel. */
function refusalOf(method: string, cause: IllFormedStringError) {
  const { field, message } = cause
  const violation = { field, description: message.slice(field.length + 1) }
  const reason = DOCUMENTS[field.split(".")[0] ?? ""] ?? "INVALID_REQUEST"
  const Class = CLASSES[reason] ?? TrustStoreError
  return new Class(message, {
    code: status.INVALID_ARGUMENT,
    reason,
    method,
    details: [create(BadRequestSchema, { fieldViolations: [violation] })],
    cause,
  })
}

/** Fields that hold a document whose rules have a reason of their own. */
const DOCUMENTS: Record<string, string> = { chain: "TRUST_CHAIN_INVALID", authority: "AUTHORITY_INVALID" }
