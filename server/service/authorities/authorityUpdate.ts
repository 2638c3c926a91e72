import {
  checkAuthorityShape,
  isUpdatePath,
  pathsSet,
  type ShapeLimits,
  UPDATE_PATHS,
  type UpdatePath,
  updatedAuthority,
} from "@trust-registry/eatp"
import { type Authority, AuthorityService, type UpdateAuthorityRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { authorityRecordOf } from "../../store/rows/authorityRows.js"
import { changeAuthority } from "./authorityChange.js"
import { assureChange, assureValid, commonOf, unknownFields } from "./authorityRequest.js"

/** The handler of UpdateAuthority. */
export function createAuthorityUpdate(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Handlers<typeof AuthorityService, RpcContext>["updateAuthority"] {
  return async (request, { actor }) => {
    const { authority } = request
    if (!authority) throw invalidRequest("authority", "is missing")
    const { id } = authority
    assureChange(request, { field: "authority.id", id }, limits)
    assureValid(unknownFields(authority, "authority"), id)
    if (authority.keys.length > 0)
      throw invalidRequest("authority.keys", "must be empty: RotateAuthorityKey and RevokeKey change keys")
    const paths = pathsOf(request, authority)
    const common = commonOf(AuthorityService.method.updateAuthority.input, request, actor)
    const change = { ...common, authorityId: id }
    const row = await changeAuthority(authorities, change, request.proof, (current) => {
      const updated = updatedAuthority(current, authority, paths)
      assureValid(checkAuthorityShape(updated, limits), id)
      return updated
    })
    return { record: authorityRecordOf(row) }
  }
}

/** The fields to change: those that the mask names, or every field that is set. Throws INVALID_REQUEST. */
function pathsOf({ updateMask }: UpdateAuthorityRequest, authority: Authority): UpdatePath[] {
  const named = updateMask?.paths ?? []
  for (const path of named) if (!isUpdatePath(path)) throw invalidRequest("update_mask", faultOf(path))
  const paths = named.length > 0 ? named.filter(isUpdatePath) : pathsSet(authority)
  if (paths.length === 0)
    throw invalidRequest("update_mask", "names no field, and no field of the authority is set")
  return paths
}

function faultOf(path: string): string {
  const all = UPDATE_PATHS.join(", ")
  if (path === "*") return `may not be "*": name the fields, of ${all}`
  return `names ${JSON.stringify(path)}; only ${all} can be changed`
}
