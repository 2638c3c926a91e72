import { checkAuthorityShape, type ShapeLimits } from "@trust-registry/eatp"
import { type Authority, AuthorityService } from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { authorityJson, authorityRecordOf } from "../../store/rows/authorityRows.js"
import { assureRequestId } from "../request/fields.js"
import { acceptedRow, invalidAuthority } from "./authorityErrors.js"
import { assureChange, assureValid, commonOf, unknownFields } from "./authorityRequest.js"

/** The handlers of RegisterAuthority and DeactivateAuthority. */
export function createRegistration(
  authorities: AuthorityStore,
  limits: ShapeLimits,
): Pick<Handlers<typeof AuthorityService, RpcContext>, "registerAuthority" | "deactivateAuthority"> {
  return {
    registerAuthority: async (request, { actor }) => {
      assureRequestId(request.requestId)
      const { authority } = request
      if (!authority) throw invalidAuthority([{ field: "authority", description: "is missing" }], "")
      const violations = [...checkAuthorityShape(authority, limits), ...revokedKeys(authority)]
      assureValid([...unknownFields(request), ...violations], authority.id)
      const write: AuthorityWrite = {
        ...commonOf(AuthorityService.method.registerAuthority.input, request, actor),
        operation: "register",
        authorityId: authority.id,
        json: authorityJson(authority),
      }
      const parent = { id: authority.parentAuthorityId ?? "", field: "authority.parent_authority_id" }
      const row = acceptedRow(write, await authorities.write(write), parent)
      return { record: authorityRecordOf(row) }
    },

    deactivateAuthority: async (request, { actor }) => {
      const { authorityId } = request
      assureChange(request, { field: "authority_id", id: authorityId }, limits)
      const write: AuthorityWrite = {
        ...commonOf(AuthorityService.method.deactivateAuthority.input, request, actor),
        operation: "deactivate",
        authorityId,
      }
      const outcome = await authorities.write(write)
      const row = acceptedRow(write, outcome, { id: "", field: "" })
      return { record: authorityRecordOf(row), unchanged: outcome.outcome === "unchanged" }
    },
  }
}

/** Only RevokeKey may revoke keys, so that history records who did it and when. */
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
