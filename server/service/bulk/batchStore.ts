import { nextTurn } from "@trust-registry/eatp"
import { type BatchStoreChainsRequest, ErrorReason, type TrustStoreService } from "@trust-registry/proto"
import { type FieldViolation, invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { delegatorsFirst } from "../chains/lineageOrder.js"
import { sentenceOf } from "../request/fields.js"
import { prefixOf, type StoreNext, type StoreResult } from "./manyStores.js"
import type { StoreTogether } from "./storeTogether.js"

/** Most chains of a batch. */
const MAX_BATCH = 1_000

/** Chains begun in one turn of the event loop. */
const SLICE = 16

/** The handler of BatchStoreChains. */
export function createBatchStore(
  open: (context: RpcContext) => StoreNext,
  storeTogether: StoreTogether,
): Handlers<typeof TrustStoreService, RpcContext>["batchStoreChains"] {
  return async (batch, context) => {
    const { requests, atomic } = batch
    if (requests.length > MAX_BATCH)
      throw invalidRequest("requests", `has ${requests.length} chains; at most ${MAX_BATCH} are allowed`)
    const order = delegatorsFirst(requests.map(({ chain }) => chain))
    if (atomic) {
      assureEachOnce(batch)
      return { results: (await storeTogether(requests, order, context)).map((result) => ({ result })) }
    }
    const begin = open(context)
    const results: Promise<StoreResult>[] = []
    for (const [done, place] of order.entries()) {
      // By number: what was begun goes on when this waits, and counts for nothing before.
      if (done % SLICE === SLICE - 1) await nextTurn()
      const { answer } = begin(requests[place] as (typeof requests)[number], prefixOf(place))
      answer.catch(() => undefined)
      results[place] = answer
    }
    return { results: (await Promise.all(results)).map((result) => ({ result })) }
  }
}

/** Refuses an agent that appears twice: the second chain would have to be validated against the first. */
function assureEachOnce({ requests }: BatchStoreChainsRequest): void {
  const places = new Map<string, number>()
  const violations: FieldViolation[] = []
  for (const [place, { chain }] of requests.entries()) {
    const agentId = chain?.genesis?.agentId
    if (agentId === undefined) continue
    const first = places.get(agentId)
    if (first === undefined) places.set(agentId, place)
    else
      violations.push({
        field: `${prefixOf(place)}chain.genesis.agent_id`,
        description: `repeats that of requests[${first}]: an atomic batch takes one chain per agent`,
      })
  }
  if (violations.length > 0)
    throw new RegistryError(ErrorReason.INVALID_REQUEST, sentenceOf(violations), { violations })
}
