import { mapInTurns, type ShapeLimits } from "@trust-registry/eatp"
import {
  encode,
  encodeItems,
  ListChainRevisionsResponseSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { encodedListed } from "../../store/rows/encodedChain.js"
import { encodedRevision } from "../../store/rows/revisionRows.js"
import type { Store } from "../../store/store.js"
import { assureAgentId } from "../request/fields.js"
import { paged } from "../request/paged.js"
import { showsChains } from "../request/view.js"
import { notFound } from "./outcomes.js"

/** The handler of ListChainRevisions. */
export function createRevisionList(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["listChainRevisions"] {
  return async (request, context) => {
    const { agentId } = request
    assureAgentId(agentId, limits)
    const documents = showsChains(request.view)
    const { rows, oldest, nextPageToken } = await paged(
      request,
      {
        asked: Buffer.from(`revisions of ${agentId}`),
        read: ({ after, ...bounds }) =>
          store.history.listRevisions({
            ...bounds,
            agentId,
            documents,
            before: after === "" ? undefined : BigInt(after),
          }),
        keyOf: (row) => row.revision,
      },
      context,
    )
    if (rows.length === 0 && request.pageToken === "") throw notFound(agentId)
    return encodeItems(
      ListChainRevisionsResponseSchema.field.revisions,
      await mapInTurns(rows, (row) => encodedRevision(row, encodedListed(row, context.maxItemBytes))),
      encode(ListChainRevisionsResponseSchema, { nextPageToken, oldestRevision: oldest }),
    )
  }
}
