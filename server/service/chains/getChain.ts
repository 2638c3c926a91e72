import type { ShapeLimits } from "@trust-registry/eatp"
import type { TrustStoreService } from "@trust-registry/proto"
import { TO_READ } from "../../remedies.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { isActive, type ServedChain, statusOf } from "../../store/rows/servedChain.js"
import type { Store } from "../../store/store.js"
import { type Requirement, requirementOf } from "../request/consistency.js"
import { assureAgentId } from "../request/fields.js"
import { isMemoryEnough, readSnapshot } from "../request/readSnapshot.js"
import { expired, notFound, notInForce, purgedSince } from "./outcomes.js"
import { isVisible } from "./visible.js"

/** The handler of GetChain. */
export function createGetChain(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["getChain"] {
  // Not async, to spare answers from memory a promise.
  return ({ agentId, includeInactive, consistency }, context) => {
    assureAgentId(agentId, limits)
    const requirement = requirementOf(consistency)
    if (!isMemoryEnough(store, requirement))
      return getChainFrom(store, agentId, includeInactive, requirement, context)
    const give = (chain: ServedChain | null) => visible(agentId, chain, includeInactive, store.now()).bytes
    const chain = store.memory.getChain(agentId)
    return chain instanceof Promise ? chain.then(give) : give(chain)
  }
}

async function getChainFrom(
  store: Store,
  agentId: string,
  includeInactive: boolean,
  requirement: Requirement,
  context: RpcContext,
): Promise<Buffer> {
  const { reader, nowMicros } = await readSnapshot(store, requirement, () => context.signal)
  const chain = await reader.getChain(agentId)
  if (!chain && requirement.case === "atRevision" && (await reader.goneAgents([agentId])).has(agentId))
    throw purgedSince(agentId)
  return visible(agentId, chain, includeInactive, nowMicros).bytes
}

function visible(
  agentId: string,
  chain: ServedChain | null,
  includeInactive: boolean,
  now: bigint,
): ServedChain {
  if (!chain) throw notFound(agentId)
  if (includeInactive || isVisible(chain, now)) return chain
  if (!isActive(chain, now)) throw notInForce(agentId, statusOf(chain, now) ?? "not active")
  throw expired(agentId, TO_READ)
}
