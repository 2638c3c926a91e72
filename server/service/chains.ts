import { randomUUID } from "node:crypto"
import type { ShapeLimits } from "@trust-registry/eatp"
import type { Handlers, TrustStoreService } from "@trust-registry/proto"
import { invalidRequest } from "../errors.js"
import type { RpcContext } from "../rpc/context.js"
import type { CachedChain } from "../store/cache.js"
import type { Store } from "../store/store.js"
import type { Write } from "../store/writes.js"
import { checkedDocument } from "./document.js"
import { assureAgentId, assureExpectedRevision, assureRequestId } from "./fields.js"
import { verifyIntegrity } from "./integrity.js"
import { createLists } from "./lists.js"
import { acceptedRecord, expired, notFound } from "./outcomes.js"

/** Handlers of TrustStoreService over a store. */
export function createChainHandlers(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext> {
  const lists = createLists(store, limits)

  const write = async (write: Write) => {
    const outcome = await store.write(write)
    return { record: acceptedRecord(write, outcome), operation: outcome.operation }
  }

  return {
    storeChain: async (request, { actor }) => {
      assureExpectedRevision(request.expectedRevision, 0n)
      assureRequestId(request.requestId)
      const document = checkedDocument(request, limits, nowMicros())
      const { record, operation } = await write({
        ...common(request, actor),
        operation: "store",
        document,
        agentId: document.agentId,
      })
      return { record, created: operation === "created" }
    },

    // Not async: an answer from memory needs no promise.
    getChain: ({ agentId, includeInactive }) => {
      assureAgentId(agentId, limits)
      const give = (chain: CachedChain | null) => visible(agentId, chain, includeInactive).bytes
      const chain = store.getChain(agentId)
      return chain instanceof Promise ? chain.then(give) : give(chain)
    },

    updateChain: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const document = checkedDocument(request, limits, nowMicros())
      if (document.agentId !== request.agentId)
        throw invalidRequest("agent_id", "is not the chain's genesis.agent_id")
      const { record } = await write({
        ...common(request, actor),
        operation: "update",
        document,
        agentId: document.agentId,
      })
      return { record }
    },

    deleteChain: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const operation = (request.softDelete ?? true) ? "delete" : "remove"
      const { record } = await write({ ...common(request, actor), operation, agentId: request.agentId })
      return { record }
    },

    restoreChain: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      assureExpectedRevision(request.expectedRevision, 1n)
      assureRequestId(request.requestId)
      const { record } = await write({
        ...common(request, actor),
        operation: "restore",
        agentId: request.agentId,
      })
      return { record }
    },

    listChains: lists.listChains,
    countChains: lists.countChains,

    verifyChainIntegrity: async (request) => {
      assureAgentId(request.agentId, limits)
      return await verifyIntegrity(store, request.agentId, limits)
    },
  }
}

function common(request: { expectedRevision?: bigint | undefined; requestId: string }, actor: string) {
  return { actor, requestId: request.requestId || randomUUID(), expectedRevision: request.expectedRevision }
}

function visible(agentId: string, chain: CachedChain | null, includeInactive: boolean): CachedChain {
  if (!chain || !(chain.active || includeInactive)) throw notFound(agentId)
  if (!includeInactive && Date.now() > chain.expiresAtMs)
    throw expired(agentId, "include_inactive gives it all the same")
  return chain
}

function nowMicros(): bigint {
  return BigInt(Date.now()) * 1000n
}
