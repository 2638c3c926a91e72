import type { ShapeLimits } from "@trust-registry/eatp"
import {
  ChainRevisionSchema,
  encode,
  encodeItems,
  ListChainRevisionsResponseSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { encodedChange } from "../../store/history/history.js"
import type { Store } from "../../store/store.js"
import { assureAgentId, assureWithin } from "../request/fields.js"
import { pageTokenOf, readPageToken } from "../request/pageToken.js"
import { DEFAULT_PAGE_SIZE, MAX_PAGE_BYTES, MAX_PAGE_SIZE } from "./lists.js"
import { notFound } from "./outcomes.js"

/** The handler of ListChainRevisions. */
export function createHistory(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["listChainRevisions"] {
  return async ({ agentId, pageSize, pageToken, includeChains = true }) => {
    assureAgentId(agentId, limits)
    assureWithin("page_size", pageSize, 0, MAX_PAGE_SIZE)
    const asked = Buffer.from(`revisions of ${agentId}`)
    const before = readPageToken(asked, pageToken)
    const { rows, more, oldest } = await store.history.listRevisions({
      agentId,
      before: before === "" ? undefined : BigInt(before),
      limit: pageSize || DEFAULT_PAGE_SIZE,
      maxBytes: MAX_PAGE_BYTES,
      documents: includeChains,
    })
    const last = rows.at(-1)
    if (!last && before === "") throw notFound(agentId)
    const nextPageToken = more && last ? pageTokenOf(asked, String(last.revision)) : ""
    return encodeItems(
      ListChainRevisionsResponseSchema.field.revisions,
      rows.map((row) => encodedChange(ChainRevisionSchema, row)),
      encode(ListChainRevisionsResponseSchema, { nextPageToken, oldestRevision: oldest }),
    )
  }
}
