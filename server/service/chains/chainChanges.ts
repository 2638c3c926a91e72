import type { ShapeLimits } from "@trust-registry/eatp"
import type { TrustStoreService } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { assureAgentId, assureExpectedRevision, assureRequestId } from "../request/fields.js"
import { type ChainWrites, commonOf, deletionOf, type WriteRequest } from "./chainWrites.js"

type ChangeRpc = "storeChain" | "updateChain" | "deleteChain" | "purgeChain" | "restoreChain"

/** The handlers that change the chain of one agent. */
export function createChainChanges(
  { write, restore, prepareDocument }: ChainWrites,
  limits: ShapeLimits,
): Pick<Handlers<typeof TrustStoreService, RpcContext>, ChangeRpc> {
  return {
    storeChain: async (request, context) => {
      assureExpectedRevision(request.expectedRevision, 0n)
      assureRequestId(request.requestId)
      const { record, operation } = await prepareDocument("store", request, context).write()
      return { record, created: operation === "created" }
    },

    updateChain: async (request, context) => {
      assureChange(request, limits)
      const { genesis } = request.chain ?? {}
      if (genesis && genesis.agentId !== request.agentId)
        throw invalidRequest("agent_id", "is not the chain's genesis.agent_id")
      const { record } = await prepareDocument("update", request, context).write()
      return { record }
    },

    deleteChain: async (request, { actor }) => {
      assureChange(request, limits)
      const { record, operation } = await write(deletionOf(request.agentId, commonOf(request, actor), false))
      return { record, unchanged: operation === null }
    },

    purgeChain: async (request, { actor }) => {
      assureChange(request, limits)
      const { record } = await write(deletionOf(request.agentId, commonOf(request, actor), true))
      return { record }
    },

    restoreChain: async (request, context) => {
      assureChange(request, limits)
      const { agentId } = request
      const { record, operation } = await restore(agentId, request, context)
      return { record, unchanged: operation === null }
    },
  }
}

function assureChange(request: WriteRequest & { agentId: string }, limits: ShapeLimits): void {
  assureAgentId(request.agentId, limits)
  assureExpectedRevision(request.expectedRevision, 1n)
  assureRequestId(request.requestId)
}
