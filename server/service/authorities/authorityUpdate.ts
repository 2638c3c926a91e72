import { create } from "@bufbuild/protobuf"
import { checkAuthorityShape, type ShapeLimits } from "@trust-registry/eatp"
import {
  type Authority,
  AuthoritySchema,
  AuthorityService,
  type UpdateAuthorityRequest,
} from "@trust-registry/proto"
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
    const row = await changeAuthority(authorities, { ...common, authorityId: id }, (current) => {
      const updated = merged(current, authority, paths)
      assureValid(checkAuthorityShape(updated, limits), id)
      return updated
    })
    return { record: authorityRecordOf(row) }
  }
}

/** The paths that a mask may name, with their fields in an authority. */
const FIELDS = {
  name: "name",
  authority_type: "authorityType",
  permissions: "permissions",
  parent_authority_id: "parentAuthorityId",
  metadata_json: "metadataJson",
} as const

type Path = keyof typeof FIELDS

/** The fields to change: those that the mask names, or every field that is set. Throws INVALID_REQUEST. */
function pathsOf({ updateMask }: UpdateAuthorityRequest, authority: Authority): Path[] {
  const named = updateMask?.paths ?? []
  for (const path of named) if (!isPath(path)) throw invalidRequest("update_mask", faultOf(path))
  const paths = named.length > 0 ? named.filter(isPath) : allPaths.filter((path) => isSet(authority, path))
  if (paths.length === 0)
    throw invalidRequest("update_mask", "names no field, and no field of the authority is set")
  return paths
}

const allPaths = Object.keys(FIELDS) as Path[] // the keys are its only keys

function isPath(path: string): path is Path {
  return Object.hasOwn(FIELDS, path)
}

function faultOf(path: string): string {
  if (path === "*") return `may not be "*": name the fields, of ${allPaths.join(", ")}`
  return `names ${JSON.stringify(path)}; only ${allPaths.join(", ")} can be changed`
}

function isSet(authority: Authority, path: Path): boolean {
  const value = authority[FIELDS[path]]
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "" && value !== 0
}

/** The current authority with the named fields of the other one; a field that is unset there is cleared. */
function merged(current: Authority, changes: Authority, paths: Path[]): Authority {
  const changed = paths.map((path) => [FIELDS[path], changes[FIELDS[path]]] as const)
  return create(AuthoritySchema, { ...current, ...Object.fromEntries(changed) })
}
