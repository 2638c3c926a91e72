import { randomUUID } from "node:crypto"
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf"
import { checkAuthorityShape, type ShapeLimits } from "@trust-registry/eatp"
import {
  type Authority,
  AuthoritySchema,
  AuthorityService,
  type RotateAuthorityKeyRequest,
  type UpdateAuthorityRequest,
} from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import { authorityJson, authorityOf, authorityRecordOf } from "../../store/authorities/authorityRows.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { nowMicros } from "../../store/chains/rows.js"
import { assureAuthorityId, assureExpectedRevision, assureRequestId } from "../request/fields.js"
import { requestHashOf } from "../request/requestHash.js"
import { changeAuthority } from "./authorityChange.js"
import { acceptedRow, authorityNotFound, invalidAuthority } from "./authorityErrors.js"
import { createAuthorityList } from "./authorityList.js"
import { rotatedKeys, rotationOf } from "./keyRotation.js"

/** Handlers of AuthorityService over a store. */
export function createAuthorityHandlers(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Handlers<typeof AuthorityService, RpcContext> {
  return {
    registerAuthority: async (request, { actor }) => {
      assureRequestId(request.requestId)
      const { authority } = request
      if (!authority) throw invalidAuthority([{ field: "authority", description: "is missing" }], "")
      const violations = [...checkAuthorityShape(authority, limits), ...revokedKeys(authority)]
      assureValid([...unknownFields(request), ...violations], authority.id)
      const write: AuthorityWrite = {
        ...common(AuthorityService.method.registerAuthority.input, request, actor),
        operation: "register",
        authorityId: authority.id,
        json: authorityJson(authority),
      }
      const parent = { id: authority.parentAuthorityId ?? "", field: "authority.parent_authority_id" }
      const row = acceptedRow(write, await authorities.write(write), parent)
      return { record: authorityRecordOf(row) }
    },

    getAuthority: async ({ authorityId }) => {
      assureAuthorityId(authorityId, limits)
      const row = await authorities.read(authorityId)
      if (!row) throw authorityNotFound(authorityId)
      return { authority: authorityOf(row), record: authorityRecordOf(row) }
    },

    listAuthorities: createAuthorityList(authorities),

    updateAuthority: async (request, { actor }) => {
      assureChange(request, limits)
      const write = common(AuthorityService.method.updateAuthority.input, request, actor)
      const row = await changeAuthority(
        authorities,
        { ...write, authorityId: request.authorityId },
        (current) => updated(current, request, limits),
      )
      return { record: authorityRecordOf(row) }
    },

    deactivateAuthority: async (request, { actor }) => {
      assureChange(request, limits)
      const write: AuthorityWrite = {
        ...common(AuthorityService.method.deactivateAuthority.input, request, actor),
        operation: "deactivate",
        authorityId: request.authorityId,
      }
      const row = acceptedRow(write, await authorities.write(write), { id: "", field: "" })
      return { record: authorityRecordOf(row) }
    },

    rotateAuthorityKey: async (request, { actor }) => {
      assureChange(request, limits)
      const write = common(AuthorityService.method.rotateAuthorityKey.input, request, actor)
      const row = await changeAuthority(
        authorities,
        { ...write, authorityId: request.authorityId },
        (current) => rotated(current, request, limits),
      )
      // A retry may come after somebody removed the authority by hand, and its documents with it.
      const authority = row.authority_data === null ? {} : { authority: authorityOf(row) }
      return { ...authority, record: authorityRecordOf(row) }
    },
  }
}

function updated(current: Authority, request: UpdateAuthorityRequest, limits: ShapeLimits): Authority {
  const { name, authorityType, permissions, parentAuthorityId, metadataJson } = request
  const authority = create(AuthoritySchema, {
    id: current.id,
    name,
    authorityType,
    keys: current.keys,
    permissions,
    ...(parentAuthorityId === undefined ? {} : { parentAuthorityId }),
    ...(metadataJson === undefined ? {} : { metadataJson }),
  })
  // The request has the authority's fields as its own.
  const violations = checkAuthorityShape(authority, limits).map(({ field, description }) => ({
    field: field.replace(/^authority\.?/, ""),
    description,
  }))
  assureValid(violations, current.id)
  return authority
}

function rotated(current: Authority, request: RotateAuthorityKeyRequest, limits: ShapeLimits): Authority {
  const rotation = rotationOf(request, nowMicros())
  if ("field" in rotation) throw invalidAuthority([rotation], current.id)
  const authority = create(AuthoritySchema, { ...current, keys: rotatedKeys(current, request, rotation) })
  const newKey = `authority.keys[${current.keys.length}].`
  const violations = checkAuthorityShape(authority, limits).map(({ field, description }) => ({
    field: field.startsWith(newKey) ? field.slice(newKey.length) : field,
    description,
  }))
  assureValid(violations, current.id)
  return authority
}

type ChangeRequest = MessageShape<DescMessage> & {
  authorityId: string
  expectedRevision?: bigint | undefined
  requestId: string
}

function assureChange(request: ChangeRequest, limits: ShapeLimits): void {
  assureAuthorityId(request.authorityId, limits)
  assureExpectedRevision(request.expectedRevision, 1n)
  assureRequestId(request.requestId)
  assureValid(unknownFields(request), request.authorityId)
}

function assureValid(violations: FieldViolation[], authorityId: string): void {
  if (violations.length > 0) throw invalidAuthority(violations, authorityId)
}

/** RevokeKey revokes, so that it is told with who did it and when. */
function revokedKeys({ keys }: Authority): FieldViolation[] {
  return keys.flatMap((key, index) =>
    (["revoked_at", "compromised_at"] as const)
      .filter((name) => key[name === "revoked_at" ? "revokedAt" : "compromisedAt"] !== undefined)
      .map((name) => ({
        field: `authority.keys[${index}].${name}`,
        description: "is set by RevokeKey only",
      })),
  )
}

/** A field that we do not know may be a condition, or a part of the authority that would be lost. */
function unknownFields({ $unknown = [] }: MessageShape<DescMessage>): FieldViolation[] {
  return $unknown.map(({ no }) => ({
    field: "",
    description: `the request has an unknown field, number ${no}`,
  }))
}

/** What writes share; the hash covers all that is asked for, the condition apart. */
function common<Desc extends DescMessage>(
  desc: Desc,
  request: MessageShape<Desc> & { expectedRevision?: bigint | undefined; requestId: string },
  actor: string,
) {
  return {
    actor,
    requestId: request.requestId || randomUUID(),
    expectedRevision: request.expectedRevision,
    requestHash: requestHashOf(desc, request),
  }
}
