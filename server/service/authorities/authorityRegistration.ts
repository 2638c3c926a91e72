import { checkAuthorityShape, momentProblem, type ShapeLimits } from "@trust-registry/eatp"
import { type Authority, AuthorityService } from "@trust-registry/proto"
import type { FieldViolation } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { AuthorityWrite } from "../../store/authorities/authorities.js"
import type { AuthorityStore } from "../../store/authorities/authorityStore.js"
import { authorityRecordOf } from "../../store/rows/authorityRows.js"
import { microsOf } from "../../store/rows/micros.js"
import { assureRequestId } from "../request/fields.js"
import { copiedDocuments } from "./authorityDocuments.js"
import { acceptedRow, invalidAuthority } from "./authorityErrors.js"
import { assureChange, assureValid, commonOf, unknownFields } from "./authorityRequest.js"
import { firstDocument } from "./authorityWord.js"

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
      const violations = [
        ...checkAuthorityShape(authority, limits),
        ...markFaults(authority, authorities.now()),
      ]
      assureValid([...unknownFields(request), ...violations], authority.id)
      const { proof, documents } = request
      if (proof && documents.length > 0)
        throw invalidAuthority(
          [{ field: "proof", description: "cannot be combined with documents" }],
          authority.id,
        )
      const write: AuthorityWrite = {
        ...commonOf(AuthorityService.method.registerAuthority.input, request, actor),
        operation:
          `${request.imported ? "import" : "register"}${request.inactive ? "_inactive" : ""}` as const,
        authorityId: authority.id,
        ...(documents.length > 0
          ? await copiedDocuments(authority, documents, limits)
          : { document: firstDocument(authority, proof, authorities.now()) }),
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

/** A mark only ever denies more, so it needs no proof; but one that says too little is no mark. */
function markFaults({ keys }: Authority, now: bigint): FieldViolation[] {
  return keys.flatMap(({ revokedAt, compromisedAt }, index) =>
    Object.entries({ revoked_at: revokedAt, compromised_at: compromisedAt }).flatMap(([name, at]) => {
      if (at === undefined) return []
      const lonely = revokedAt === undefined ? "is allowed together with revoked_at only" : undefined
      const future = name === "compromised_at" && microsOf(at) > now ? "is in the future" : undefined
      const description = momentProblem(at) ?? lonely ?? future
      return description === undefined ? [] : [{ field: `authority.keys[${index}].${name}`, description }]
    }),
  )
}
