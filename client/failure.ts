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
  TrustChainInactiveError,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  TrustChainRevokedError,
  TrustRecordNotFoundError,
  TrustStoreDatabaseError,
  TrustStoreError,
} from "./errors.js"
import { MAX_MESSAGE_BYTES } from "./options.js"
import { isReason } from "./resume.js"
import { IllFormedStringError } from "./rpc/wellFormed.js"

/**
 * The typed error of a call that failed. Returns as it is what is neither a gRPC status nor a local refusal.
 *
 * @param request names the agent of an error that did not come from the registry itself
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

/**
 * The typed error for one item of many: what a call for it alone would have failed with.
 *
 * @param agentId whose chain the item is about, where the details do not say
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
  const Class = CLASSES[facts.reason ?? ""] ?? TrustStoreError
  return new Class(message, facts)
}

const CLASSES: Record<string, typeof TrustStoreError> = {
  TRUST_CHAIN_NOT_FOUND: TrustChainNotFoundError,
  TRUST_CHAIN_EXPIRED: TrustChainExpiredError,
  TRUST_CHAIN_INACTIVE: TrustChainInactiveError,
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
  const facts: ErrorFacts = { code: error.code, method, cause: error, ...factsOf(packedDetails(error)) }
  facts.reason ??= LOCAL_REASONS[error.code]
  if (OUT_OF_REACH.has(error.code) && typeof request.agentId === "string")
    facts.agentId ??= request.agentId || undefined
  return typedError(messageOf(error), facts)
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

function packedDetails(error: ServiceError): Any[] {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  return Buffer.isBuffer(bytes) ? readable(() => decode(StatusSchema, bytes).details) : []
}

/** Details that a proxy garbled must not hide the status that they came with. */
function readable<Detail>(read: () => Detail[]): Detail[] {
  try {
    return read()
  } catch {
    return []
  }
}

/** Details of types that this client does not know are left out. */
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
function refusalOf(method: string, cause: IllFormedStringError) {
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

/** The reasons for documents that break a rule, by the request's field that holds the document. */
const DOCUMENTS: Record<string, string> = { chain: "TRUST_CHAIN_INVALID", authority: "AUTHORITY_INVALID" }
