import { randomUUID } from "node:crypto"
import type { DescMessage, MessageShape } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import type { FieldViolation } from "../../errors.js"
import { assureExpectedRevision, assureId, assureRequestId } from "../request/fields.js"
import { requestHashOf } from "../request/requestHash.js"
import { invalidAuthority } from "./authorityErrors.js"

type WriteRequest = MessageShape<DescMessage> & { expectedRevision?: bigint | undefined; requestId: string }

/**
 * Checks what every change of a registered authority has: its id, which stands in that field, the condition and the request id.
 * Throws INVALID_REQUEST, and AUTHORITY_INVALID for fields that we do not know.
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

/** A field that we do not know may be a condition, or a part of the authority that would be lost. */
export function unknownFields({ $unknown = [] }: MessageShape<DescMessage>, field = ""): FieldViolation[] {
  return $unknown.map(({ no }) => ({
    field,
    description: `the ${field || "request"} has an unknown field, number ${no}`,
  }))
}

/** The parts of a write that every request gives. The hash covers everything but the condition and the request id. */
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
