import { randomUUID } from "node:crypto"
import type { DescMessage, MessageShape } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import type { FieldViolation } from "../../errors.js"
import { assureExpectedRevision, assureId, assureRequestId } from "../request/fields.js"
import { requestHashOf } from "../request/requestHash.js"
import { invalidAuthority } from "./authorityErrors.js"

type WriteRequest = MessageShape<DescMessage> & { expectedRevision?: bigint | undefined; requestId: string }

/**
 * Validates the fields common to all changes of a registered authority: its id (in the given field), the expected revision and
 * the request id. Throws INVALID_REQUEST, or AUTHORITY_INVALID for unknown fields.
 */
export function assureChange(
  request: WriteRequest,
  authority: { field: string; id: string },
  limits: ShapeLimits,
): void {
  assureId(authority.field, authority.id, limits)
  assureExpectedRevision(request.expectedRevision, 1n)
  assureRequestId(request.requestId)
  assureValid(unknownFields(request), authority.id)
}

/** Throws AUTHORITY_INVALID if there are violations. */
export function assureValid(violations: FieldViolation[], authorityId: string): void {
  if (violations.length > 0) throw invalidAuthority(violations, authorityId)
}

/** Unknown fields are refused: one may be a condition, or a part of the authority that would be lost. */
export function unknownFields({ $unknown = [] }: MessageShape<DescMessage>, field = ""): FieldViolation[] {
  return $unknown.map(({ no }) => ({
    field,
    description: `the ${field || "request"} has an unknown field, number ${no}`,
  }))
}

/** The parts of a write common to all requests. The hash covers every field but the expected revision and the request id. */
export function commonOf<Desc extends DescMessage>(
  desc: Desc,
  request: MessageShape<Desc> & WriteRequest,
  actor: string,
) {
  return {
    actor,
    requestId: request.requestId || randomUUID(),
    expectedRevision: request.expectedRevision,
    requestHash: requestHashOf(desc, request),
  }
}
