import { AuthorityPermission } from "@trust-registry/proto"
import type { TrustAuthority } from "../verify/authorityKeys.js"
import { mayDo, permissionName } from "../verify/issuance.js"
import { MakeError } from "./makeError.js"

/** What an authority that establishes agents usually may do: everything but have authorities below it. */
export function usualPermissions(): AuthorityPermission[] {
  return [
    AuthorityPermission.CREATE_AGENTS,
    AuthorityPermission.DEACTIVATE_AGENTS,
    AuthorityPermission.DELEGATE_TRUST,
    AuthorityPermission.GRANT_CAPABILITIES,
    AuthorityPermission.REVOKE_CAPABILITIES,
  ]
}

/** Throws MakeError if an authority is known to be inactive, or to lack one of the permissions: a registry would refuse its record. */
export function assureMayIssue(
  authority: TrustAuthority | undefined,
  ...permissions: readonly AuthorityPermission[]
): void {
  if (authority === undefined) return
  if (authority.active === false)
    throw new MakeError("AUTHORITY_INACTIVE", `Authority is inactive: ${authority.id}`)
  const lacking = permissions.find((permission) => !mayDo(authority, permission))
  if (lacking !== undefined)
    throw new MakeError(
      "AUTHORITY_NOT_PERMITTED",
      `Authority ${authority.id} lacks ${permissionName(lacking)}`,
    )
}
