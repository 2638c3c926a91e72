import type { Handlers, TrustStoreService } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import { isActive, type ServedChain } from "../../store/chains/servedChain.js"
import type { Store } from "../../store/store.js"
import { createStoreTogether } from "../bulk/atomicWrites.js"
import { createBatchGet } from "../bulk/batchGet.js"
import { createBatchStore } from "../bulk/batchStore.js"
import { createExport } from "../bulk/exportChains.js"
import { createImport } from "../bulk/importChains.js"
import { createManyWrites } from "../bulk/manyWrites.js"
import { assureAgentId, assureExpectedRevision, assureRequestId } from "../request/fields.js"
import { asksMemory, type Consistency, standpointOf } from "../trust/standpoint.js"
import { type ChainRules, commonOf, createChainWrites } from "./chainWrites.js"
import { createHistory } from "./history.js"
import { verifyIntegrity } from "./integrity.js"
import { createLists } from "./lists.js"
import { expired, notFound } from "./outcomes.js"
import { createWatch } from "./watch.js"

/** Handlers of TrustStoreService over a store. */
export function createChainHandlers(
  store: Store,
  rules: ChainRules,
): Handlers<typeof TrustStoreService, RpcContext> {
  const lists = createLists(store, rules)
  const writes = createChainWrites(store, rules)
  const { write, prepareDocument } = writes
  const storeMany = createManyWrites(writes, rules.maxWaitingWrites)

  return {
    storeChain: async (request, { actor }) => {
      assureExpectedRevision(request.expectedRevision, 0n)
      assureRequestId(request.requestId)
      const { record, operation } = await prepareDocument("store", request, actor).write()
      return { record, created: operation === "created" }
    },

    // Not async: an answer from memory needs no promise.
    getChain: ({ agentId, includeInactive, consistency }) => {
      assureAgentId(agentId, rules)
      if (!asksMemory(store, consistency)) return getChainFrom(store, agentId, includeInactive, consistency)
      const give = (chain: ServedChain | null) => visible(agentId, chain, includeInactive, Date.now()).bytes
      const chain = store.getChain(agentId)
      return chain instanceof Promise ? chain.then(give) : give(chain)
    },

    updateChain: async (request, { actor }) => {
      assureAgentId(request.agentId, rules)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const { genesis } = request.chain ?? {}
      if (genesis && genesis.agentId !== request.agentId)
        throw invalidRequest("agent_id", "is not the chain's genesis.agent_id")
      const { record } = await prepareDocument("update", request, actor).write()
      return { record }
    },

    deleteChain: async (request, { actor }) => {
      assureAgentId(request.agentId, rules)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const operation = (request.softDelete ?? true) ? "delete" : "purge"
      const { record } = await write({ ...commonOf(request, actor), operation, agentId: request.agentId })
      return { record }
    },

    restoreChain: async (request, { actor }) => {
      assureAgentId(request.agentId, rules)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const { record } = await write({
        ...commonOf(request, actor),
        operation: "restore",
        agentId: request.agentId,
      })
      return { record }
    },

    listChains: lists.listChains,
    countChains: lists.countChains,

    listChainRevisions: createHistory(store, rules),

    watchChains: createWatch(store.history, rules),

    verifyChainIntegrity: async (request) => {
      assureAgentId(request.agentId, rules)
      return await verifyIntegrity(store, request.agentId, rules)
    },

    batchGetChains: createBatchGet(store, rules),
    batchStoreChains: createBatchStore(storeMany, createStoreTogether(store, rules)),
    importChains: createImport(storeMany),
    exportChains: createExport(store, rules),
  }
}

async function getChainFrom(
  store: Store,
  agentId: string,
  includeInactive: boolean,
  consistency: Consistency,
): Promise<Buffer> {
  const { reader, nowMicros } = await standpointOf(store, consistency)
  const chain = await reader.getChain(agentId)
  if (!chain && consistency.case === "atRevision" && (await reader.goneAgents([agentId])).has(agentId))
    throw notFound(agentId, "no document of then is left, since it was removed for good")
  return visible(agentId, chain, includeInactive, Number(nowMicros) / 1000).bytes
}

function visible(
  agentId: string,
  chain: ServedChain | null,
  includeInactive: boolean,
  nowMs: number,
): ServedChain {
  if (!chain) throw notFound(agentId)
  if (includeInactive) return chain
  if (!isActive(chain, nowMs)) throw notFound(agentId)
  if (nowMs > chain.expiresAtMs) throw expired(agentId, "include_inactive gives it all the same")
  return chain
}
