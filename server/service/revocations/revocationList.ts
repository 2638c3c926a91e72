import { toBinary } from "@bufbuild/protobuf"
import type { ShapeLimits } from "@trust-registry/eatp"
import { ListRevocationsRequestSchema, type RevocationService } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handler } from "../../rpc/handlers.js"
import { revokedRecordOf } from "../../store/revocations/revocationRows.js"
import type { RevocationStore } from "../../store/revocations/revocationStore.js"
import { DEFAULT_PAGE_SIZE } from "../chains/lists.js"
import { assureAgentId, assureAuthorityId, assureUuid, assureWithin } from "../request/fields.js"
import { pageTokenOf, readPageToken } from "../request/pageToken.js"

/** The handler of ListRevocations. */
export function createRevocationList(
  revocations: RevocationStore,
  limits: ShapeLimits,
): Handler<(typeof RevocationService)["method"]["listRevocations"], RpcContext> {
  return async (request) => {
    const { agentId, authorityId, revocationId, standingOnly, pageSize, pageToken } = request
    if (agentId !== "") assureAgentId(agentId, limits)
    if (authorityId !== "") assureAuthorityId(authorityId, limits)
    if (agentId !== "" && authorityId !== "")
      throw invalidRequest(
        "authority_id",
        "goes with keys, which are in no agent's chain: leave out agent_id",
      )
    if (revocationId !== "") assureUuid("revocation_id", revocationId)
    assureWithin("page_size", pageSize, 0, MAX_RECORDS)
    const asked = toBinary(ListRevocationsRequestSchema, { ...request, pageSize: 0, pageToken: "" })
    const after = readPageToken(asked, pageToken)
    const { rows, more } = await revocations.list({
      agentId,
      authorityId,
      revocationId,
      standingOnly,
      below: after === "" ? undefined : BigInt(after),
      limit: pageSize || DEFAULT_PAGE_SIZE,
    })
    const last = rows.at(-1)?.revision
    return {
      records: rows.map(revokedRecordOf),
      nextPageToken: more && last !== undefined ? pageTokenOf(asked, String(last)) : "",
    }
  }
}

/** With a reason and ids as long as they may be, that many are under 4 MiB. */
const MAX_RECORDS = 500
