import type { ShapeLimits } from "@trust-registry/eatp"
import {
  BatchGetChainsResponseSchema,
  ErrorReason,
  encode,
  encodeItems,
  type TrustStoreService,
} from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import type { ServedChain } from "../../store/rows/servedChain.js"
import type { Store } from "../../store/store.js"
import { isVisible } from "../chains/visible.js"
import { requirementOf } from "../request/consistency.js"
import { assureAgentIds } from "../request/fields.js"
import { MAX_PAGE_BYTES } from "../request/paged.js"
import { readSnapshot } from "../request/readSnapshot.js"

/** Chains read at once; those not in memory take one statement. Each may be a mebibyte. */
const READ_AT_ONCE = 25

/** The handler of BatchGetChains. */
export function createBatchGet(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["batchGetChains"] {
  return async ({ agentIds, includeInactive, consistency }, { maxItemBytes }) => {
    assureAgentIds(agentIds, limits)
    const { reader, nowMicros } = await readSnapshot(store, requirementOf(consistency))
    const found: Buffer[] = []
    const rest = {
      missing: [] as string[],
      remaining: [] as string[],
      unreadable: [] as string[],
      tooLarge: [] as string[],
    }
    let bytes = 0
    for (let next = 0; next < agentIds.length; next += READ_AT_ONCE) {
      const ids = agentIds.slice(next, next + READ_AT_ONCE)
      const chains = rest.remaining.length > 0 ? [] : await Promise.all(ids.map((id) => readable(reader, id)))
      for (const [index, id] of ids.entries()) {
        const chain = chains[index]
        if (chain === CORRUPT) rest.unreadable.push(id)
        else if (chain === null || (chain && !(includeInactive || isVisible(chain, nowMicros))))
          rest.missing.push(id)
        else if (chain && chain.stored.length > maxItemBytes) rest.tooLarge.push(id)
        else if (!chain || (bytes + chain.stored.length > MAX_PAGE_BYTES && bytes > 0))
          rest.remaining.push(id)
        else {
          found.push(chain.stored)
          bytes += chain.stored.length
        }
      }
    }
    // The chains are already encoded, as for GetChain.
    return encodeItems(
      BatchGetChainsResponseSchema.field.found,
      found,
      encode(BatchGetChainsResponseSchema, rest),
    )
  }
}

const CORRUPT = "corrupt"

async function readable(reader: TrustReader, agentId: string): Promise<ServedChain | null | typeof CORRUPT> {
  try {
    return await reader.getChain(agentId)
  } catch (error) {
    if (error instanceof RegistryError && error.reason === ErrorReason.TRUST_CHAIN_CORRUPT) return CORRUPT
    throw error
  }
}
