import { create } from "@bufbuild/protobuf"
import { checkAuthorityShape, type ShapeLimits } from "@trust-registry/eatp"
import {
  type Authority,
  AuthoritySchema,
  AuthorityService,
  type RotateAuthorityKeyRequest,
} from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { authorityOf, authorityRecordOf } from "../../store/rows/authorityRows.js"
import { changeAuthority } from "./authorityChange.js"
import { invalidAuthority } from "./authorityErrors.js"
import { assureChange, assureValid, commonOf } from "./authorityRequest.js"
import { rotatedKeys, rotationOf } from "./keyRotation.js"

/** The handler of RotateAuthorityKey. */
export function createKeyRotation(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Handlers<typeof AuthorityService, RpcContext>["rotateAuthorityKey"] {
  return async (request, { actor }) => {
    const { authorityId } = request
    assureChange(request, { field: "authority_id", id: authorityId }, limits)
    const common = commonOf(AuthorityService.method.rotateAuthorityKey.input, request, actor)
    const row = await changeAuthority(authorities, { ...common, authorityId }, (current) =>
      rotated(current, request, limits, authorities.now()),
    )
    const record = authorityRecordOf(row)
    // On a retry the authority may have been deleted by hand, along with its documents.
    return { stored: row.authority_data === null ? { record } : { record, authority: authorityOf(row) } }
  }
}

function rotated(
  current: Authority,
  request: RotateAuthorityKeyRequest,
  limits: ShapeLimits,
  now: bigint,
): Authority {
  const rotation = rotationOf(request, now)
  if ("field" in rotation) throw invalidAuthority([rotation], current.id)
  const authority = create(AuthoritySchema, { ...current, keys: rotatedKeys(current, request, rotation) })
  // Violations in the new key are reported under the request's own fields.
  const newKey = `authority.keys[${current.keys.length}].`
  const violations = checkAuthorityShape(authority, limits).map(({ field, description }) => ({
    field: field.startsWith(newKey) ? field.slice(newKey.length) : field,
    description,
  }))
  assureValid(violations, current.id)
  return authority
}
