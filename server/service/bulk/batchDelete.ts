import type { ShapeLimits } from "@trust-registry/eatp"
import type { ChainRecord, Status, TrustStoreService } from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { Outcome, Write } from "../../store/chains/writes.js"
import type { Store } from "../../store/store.js"
import { type ChainWrites, commonOf, deletionOf } from "../chains/chainWrites.js"
import { acceptedRecord } from "../chains/outcomes.js"
import { assureAgentIds, assureRequestId } from "../request/fields.js"
import { type BulkWrite, batchRefused, endsAll } from "./bulkWrite.js"

/** The result for one chain, as the contract has it. */
type DeleteResult = {
  result: { case: "record"; value: ChainRecord } | { case: "error"; value: Status }
  unchanged?: boolean
}

/** The handler of BatchDeleteChains. */
export function createBatchDelete(
  store: Store,
  { write }: ChainWrites,
  bulkWrite: BulkWrite,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["batchDeleteChains"] {
  return async ({ agentIds, purge, atomic, requestId }, context) => {
    assureAgentIds(agentIds, limits)
    assureRequestId(requestId)
    // One request id for all agents: a retry of the batch gives each of them its first result.
    const common = commonOf({ requestId }, context.actor)
    const deletions = agentIds.map((agentId) => deletionOf(agentId, common, purge))
    const results = atomic
      ? await deleteTogether(store, deletions, context)
      : await Promise.all(deletions.map((deletion) => deleteOne(deletion)))
    context.counts = countsOf(results)
    return { results }

    async function deleteOne(deletion: Write): Promise<DeleteResult> {
      try {
        const { record, operation } = await bulkWrite(() => write(deletion), context.signal)
        return { result: { case: "record", value: record }, unchanged: operation === null }
      } catch (error) {
        if (endsAll(error)) throw error
        return { result: { case: "error", value: context.itemError(error) } }
      }
    }
  }
}

/** Deletes all chains in one transaction, or none. */
async function deleteTogether(
  store: Store,
  deletions: Write[],
  context: RpcContext,
): Promise<DeleteResult[]> {
  if (deletions.length === 0) return []
  const { outcomes, refused } = await store.chains.writeAll(deletions)
  if (outcomes) {
    return deletions.map((deletion, place) => {
      const outcome = outcomes[place] as Outcome
      const value = acceptedRecord(deletion, outcome)
      return { result: { case: "record", value }, unchanged: outcome.operation === null }
    })
  }
  const first = Math.min(...refused.keys())
  return deletions.map((deletion, place) => {
    const value = context.itemError(refusalOf(deletion, refused.get(place), first))
    return { result: { case: "error", value } }
  })
}

function refusalOf(deletion: Write, outcome: Outcome | undefined, first: number): unknown {
  if (!outcome) return batchRefused("deleted", `agent_ids[${first}]`, deletion.agentId)
  try {
    acceptedRecord(deletion, outcome)
  } catch (error) {
    return error
  }
  return new Error(`a deletion was refused as ${outcome.outcome}`)
}

function countsOf(results: DeleteResult[]) {
  const refused = results.filter(({ result }) => result.case === "error").length
  return { deleted: results.length - refused, refused }
}
