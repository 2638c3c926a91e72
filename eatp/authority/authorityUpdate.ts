import { create } from "@bufbuild/protobuf"
import { type Authority, AuthoritySchema } from "@trust-registry/proto"

/** The paths that the mask of an update may name, with their fields in an authority. */
const FIELDS = {
  name: "name",
  authority_type: "authorityType",
  permissions: "permissions",
  parent_authority_id: "parentAuthorityId",
  metadata_json: "metadataJson",
  recognised: "recognised",
} as const

/** A path that the mask of an update may name. */
export type UpdatePath = keyof typeof FIELDS

/** All of these paths. */
export const UPDATE_PATHS = Object.keys(FIELDS) as UpdatePath[] // the keys are its only keys

/** Whether the mask of an update may name this. */
export function isUpdatePath(path: string): path is UpdatePath {
  return Object.hasOwn(FIELDS, path)
}

/** The paths of the fields that are set, which an update without a mask changes. */
export function pathsSet(authority: Authority): UpdatePath[] {
  return UPDATE_PATHS.filter((path) => isSet(authority[FIELDS[path]]))
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "" && value !== 0
}

/** The current authority with the named fields of the other one; a field that is unset there is cleared. */
export function updatedAuthority(
  current: Authority,
  changes: Authority,
  paths: readonly UpdatePath[],
): Authority {
  const changed = paths.map((path) => [FIELDS[path], changes[FIELDS[path]]] as const)
  return create(AuthoritySchema, { ...current, ...Object.fromEntries(changed) })
}
