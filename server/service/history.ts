import type { ShapeLimits } from "@trust-registry/eatp"
import { type ChainRevision, type Handlers, Operation, type TrustStoreService } from "@trust-registry/proto"
import type { RpcContext } from "../rpc/context.js"
import type { OperationText, RevisionRow } from "../store/history.js"
import { chainOf, recordOf } from "../store/rows.js"
import type { Store } from "../store/store.js"
import { assureAgentId, assureWithin } from "./fields.js"
import { DEFAULT_PAGE_SIZE, MAX_PAGE_BYTES, MAX_PAGE_SIZE } from "./lists.js"
import { notFound } from "./outcomes.js"
import { pageTokenOf, readPageToken } from "./pageToken.js"

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
    const { rows, more, oldest } = await store.listRevisions({
      agentId,
      before: before === "" ? undefined : BigInt(before),
      limit: pageSize || DEFAULT_PAGE_SIZE,
      maxBytes: MAX_PAGE_BYTES,
      documents: includeChains,
    })
    const last = rows.at(-1)
    if (!last && before === "") throw notFound(agentId)
    return {
      revisions: rows.map(revisionOf),
      nextPageToken: more && last ? pageTokenOf(asked, String(last.revision)) : "",
      oldestRevision: oldest,
    }
  }
}

/** A row of the history with its document, if it has one that parses. */
export function documentOf(row: RevisionRow): Pick<ChainRevision, "chain" | "unreadable"> {
  if (row.chain_data === null) return { unreadable: false }
  try {
    return { chain: chainOf({ agent_id: row.agent_id, chain_data: row.chain_data }), unreadable: false }
  } catch {
    return { unreadable: true }
  }
}

/** What was done, as the contract names it. */
export const OPERATIONS: Readonly<Record<OperationText, Operation>> = {
  created: Operation.CREATED,
  updated: Operation.UPDATED,
  deleted: Operation.DELETED,
  restored: Operation.RESTORED,
  suspended: Operation.SUSPENDED,
  revoked: Operation.REVOKED,
  removed: Operation.REMOVED,
  revocations_changed: Operation.REVOCATIONS_CHANGED,
}

function revisionOf(row: RevisionRow) {
  return {
    operation: OPERATIONS[row.operation],
    record: recordOf(row),
    requestId: row.request_id,
    ...documentOf(row),
  }
}
