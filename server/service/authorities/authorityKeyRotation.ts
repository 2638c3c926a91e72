import { create } from "@bufbuild/protobuf"
import { checkAuthorityShape, rotatedKeys, rotationOf, type ShapeLimits } from "@trust-registry/eatp"
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
import { timestampOf } from "../../store/rows/micros.js"
import { changeAuthority } from "./authorityChange.js"
import { invalidAuthority } from "./authorityErrors.js"
import { assureChange, assureValid, commonOf } from "./authorityRequest.js"

/** The handler of RotateAuthorityKey. */
export function createKeyRotation(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Handlers<typeof AuthorityService, RpcContext>["rotateAuthorityKey"] {
  return async (request, { actor }) => {
    const { authorityId } = request
    assureChange(request, { field: "authority_id", id: authorityId }, limits)
    const common = commonOf(AuthorityService.method.rotateAuthorityKey.input, request, actor)
    if (request.proof && !request.effectiveAt)
      throw invalidAuthority(
        [{ field: "effective_at", description: "is required with a proof, which signs it" }],
        authorityId,
      )
    const row = await changeAuthority(
      authorities,
      { ...common, authorityId },
      request.proof,
      (current) => rotated(current, request, limits, authorities.now()),
      requestField,
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
  const rotation = rotationOf(request, timestampOf(now))
  if ("field" in rotation) throw invalidAuthority([rotation], current.id)
  const authority = create(AuthoritySchema, { ...current, keys: rotatedKeys(current, request, rotation) })
  const violations = checkAuthorityShape(authority, limits).map(({ field, description }) => ({
    field: requestField(field, current),
    description,
  }))
  assureValid(violations, current.id)
  return authority
}

/** Violations in the new key are reported under the request's own fields. */
function requestField(field: string, { keys }: Authority): string {
  const newKey = `authority.keys[${keys.length}].`
  return field.startsWith(newKey) ? field.slice(newKey.length) : field
}
