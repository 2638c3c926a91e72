import { toBinary } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import { ListRevokedRecordsRequestSchema, type RevocationService } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { RevocationStore } from "../../store/revocations/revocationStore.js"
import { revokedRecordOf } from "../../store/rows/revocationRows.js"
import { assureAgentId, assureAuthorityId, assureUuid } from "../request/fields.js"
import { paged } from "../request/paged.js"

/** The handler of ListRevokedRecords. */
export function createRevokedRecordList(
  revocations: RevocationStore,
  limits: ShapeLimits,
): Handlers<typeof RevocationService, RpcContext>["listRevokedRecords"] {
  return async (request, context) => {
    const { agentId, authorityId, revocationId, standingOnly, atRevision } = request
    if (agentId !== "") assureAgentId(agentId, limits)
    if (authorityId !== "") assureAuthorityId(authorityId, limits)
    if (agentId !== "" && authorityId !== "")
      throw invalidRequest(
        "authority_id",
        "selects keys, which belong to no agent's chain: leave agent_id empty",
      )
    if (atRevision < 0n) throw invalidRequest("at_revision", `is ${atRevision}; at least 0 is allowed`)
    if (revocationId !== "") assureUuid("revocation_id", revocationId)
    const { rows, nextPageToken } = await paged(
      request,
      {
        asked: toBinary(ListRevokedRecordsRequestSchema, { ...request, pageSize: 0, pageToken: "" }),
        maxSize: MAX_RECORDS,
        read: ({ after, limit }) => {
          const below = after === "" ? undefined : BigInt(after)
          const conditions = { agentId, authorityId, revocationId, standingOnly, atRevision }
          return revocations.list({ ...conditions, below, limit })
        },
        keyOf: (row) => row.made,
      },
      context,
    )
    return { records: rows.map(revokedRecordOf), nextPageToken }
  }
}

/** This many records, each with the longest reason and ids, stay below 4 MiB. */
const MAX_RECORDS = 500
