import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { type Any, anyPack } from "@bufbuild/protobuf/wkt"
import {
  AuthoritySchema,
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import type { RegistryError } from "../errors.js"
import { nameOf, REASONS } from "./reasons.js"
import { sanitize, sanitizeForPeople } from "./sanitize.js"

/** The `domain` of every ErrorInfo. */
export const DOMAIN = "trustregistry"

/** The `resource_type` of a ResourceInfo that names an agent. */
export const CHAIN_TYPE = TrustLineageChainSchema.typeName

/** The `resource_type` of a ResourceInfo that names an authority. */
export const AUTHORITY_TYPE = AuthoritySchema.typeName

/** C-core clients drop a status whose metadata exceeds 8 kB; in base64 4 KiB become 5.4. */
export const MAX_DETAILS_BYTES = 4095

/** Further violations are counted, not listed. */
export const MAX_VIOLATIONS = 16

/**
 * The google.rpc.Status of an error for `grpc-status-details-bin`, never over {@link MAX_DETAILS_BYTES}. `retryAfterMs` goes
 * into RetryInfo.
 */
export function encodeDetails(error: RegistryError, message: string, retryAfterMs?: number): Buffer {
  return Buffer.from(toBinary(StatusSchema, statusWithin(MAX_DETAILS_BYTES, error, message, retryAfterMs)))
}

/** The google.rpc.Status of an error within `maxBytes` (at least 3 KiB) encoded: the texts are cut until it fits. */
export function statusWithin(
  maxBytes: number,
  error: RegistryError,
  message: string,
  retryAfterMs?: number,
): Status {
  for (let textBytes = LONGEST_TEXT; ; textBytes /= 2) {
    const status = detailedStatus(error, message, retryAfterMs, textBytes)
    // At 16 bytes a text all parts together are under 3 KiB.
    if (textBytes <= 16 || toBinary(StatusSchema, status).length <= maxBytes) return status
  }
}

const LONGEST_TEXT = 1024
const MAX_FACTS = 16

/** The longest valid id: programs read it, so it is not cut. */
const MAX_ID_BYTES = 512

function detailedStatus(
  error: RegistryError,
  message: string,
  retryAfterMs: number | undefined,
  textBytes: number,
): Status {
  const { code } = REASONS[nameOf(error.reason)]
  const cut = (text: string) => sanitize(text, textBytes)
  const told = (text: string) => sanitizeForPeople(text, textBytes)
  const details = detailsOf(error, message, retryAfterMs, { cut, told })
  return create(StatusSchema, { code, message: told(message), details })
}

function detailsOf(
  error: RegistryError,
  message: string,
  retryAfterMs: number | undefined,
  { cut, told }: Cuts,
): Any[] {
  const { violations = [], agentId, authorityId, metadata = {}, precondition } = error.failure
  const reason = nameOf(error.reason)
  const facts = Object.entries(metadata).slice(0, MAX_FACTS)
  const details = [
    pack(ErrorInfoSchema, {
      reason,
      domain: DOMAIN,
      metadata: Object.fromEntries(facts.map(([name, fact]) => [cut(name), cut(fact)])),
    }),
  ]
  if (violations.length > 0) details.push(badRequest(violations, { cut, told }))
  if (agentId !== undefined) details.push(resource(CHAIN_TYPE, agentId))
  else if (authorityId !== undefined) details.push(resource(AUTHORITY_TYPE, authorityId))
  if (REASONS[reason].precondition) {
    const violation = {
      type: reason,
      subject: sanitize(agentId ?? "", MAX_ID_BYTES),
      description: told(precondition ?? message),
    }
    details.push(pack(PreconditionFailureSchema, { violations: [violation] }))
  }
  if (retryAfterMs !== undefined) {
    details.push(pack(RetryInfoSchema, { retryDelay: durationOf(retryAfterMs) }))
  }
  return details
}

/** `cut` for what programs read, `told` for what people read. */
type Cuts = { cut: (text: string) => string; told: (text: string) => string }

function resource(resourceType: string, id: string) {
  return pack(ResourceInfoSchema, { resourceType, resourceName: sanitize(id, MAX_ID_BYTES) })
}

/** The first violations, and one more without a field that counts the others. */
function badRequest(violations: readonly { field: string; description: string }[], { cut, told }: Cuts) {
  const fieldViolations = violations
    .slice(0, MAX_VIOLATIONS)
    .map(({ field, description }) => ({ field: cut(field), description: told(description) }))
  const more = violations.length - fieldViolations.length
  if (more > 0) fieldViolations.push({ field: "", description: `and ${more} more` })
  return pack(BadRequestSchema, { fieldViolations })
}

function durationOf(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 }
}

function pack<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>): Any {
  return anyPack(schema, create(schema, init))
}
