import type { ShapeLimits } from "@trust-registry/eatp"
import type { ChainRecord, ImportChainsRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import { type ChainWrites, commonOf, type Written } from "../chains/chainWrites.js"
import { assureAgentId, assureId, assureRequestId } from "../request/fields.js"
import { type BulkWrite, endsAll } from "./bulkWrite.js"
import type { Begun } from "./inOrder.js"
import type { StoreResult } from "./manyStores.js"

/** Starts storing the tombstone of the next of many chains that were purged elsewhere. */
export type TombstoneNext = (purged: ChainRecord, request: ImportChainsRequest) => Begun<StoreResult>

/** Stores tombstones within one call, as createManyStores stores chains. */
export function createTombstones(
  writes: ChainWrites,
  bulkWrite: BulkWrite,
  limits: ShapeLimits,
): (context: RpcContext) => TombstoneNext {
  return (context) => {
    const { actor, signal } = context
    const refused = (error: unknown): StoreResult => {
      if (endsAll(error)) throw error
      return { case: "error", value: context.itemError(error) }
    }
    return (purged, { request, purgedRequestId }) => {
      const work = async () => {
        if (request) throw invalidRequest("request", "is not allowed with purged")
        const change = { ...commonOf({ requestId: purgedRequestId }, actor), ...tombstoneOf(purged, limits) }
        assureRequestId(purgedRequestId)
        return await bulkWrite(() => writes.write(change), signal)
      }
      const stored = ({ record, operation }: Written): StoreResult => ({
        case: "stored",
        value: { record, created: operation === "purged" },
      })
      return { answer: work().then(stored, refused), bytes: 0 }
    }
  }
}

/** What is left of a chain after a purge. Its hashes tell what it was, and nothing depends on them. */
function tombstoneOf({ agentId, authorityId, chainHash, contentHash }: ChainRecord, limits: ShapeLimits) {
  assureAgentId(agentId, limits)
  if (authorityId !== "") assureId("purged.authority_id", authorityId, limits)
  for (const [field, hash] of Object.entries({ chain_hash: chainHash, content_hash: contentHash }))
    if (!HASH.test(hash)) throw invalidRequest(`purged.${field}`, "is not a lowercase SHA-256")
  return {
    operation: "import_purged" as const,
    expectedRevision: 0n,
    agentId,
    tombstone: { authorityId, chainHash, contentHash },
  }
}

const HASH = /^([0-9a-f]{64})?$/
