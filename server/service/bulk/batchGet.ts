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

/** Chains that are read first, to learn how large they are: each may be a mebibyte. */
const FIRST_READ = 4
/** Most chains read at once; those not in memory take one statement. */
const READ_AT_ONCE = 100
/** What the chains of a call hold: a full page, as many bytes that were read beyond it, and the answer. */
const WORK_BYTES = 3 * MAX_PAGE_BYTES

/** The handler of BatchGetChains. */
export function createBatchGet(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["batchGetChains"] {
  return async ({ agentIds, includeInactive, consistency }, context) => {
    assureAgentIds(agentIds, limits)
    await context.hold(WORK_BYTES)
    const { reader, nowMicros } = await readSnapshot(store, requirementOf(consistency), () => context.signal)
    const found: Buffer[] = []
    const rest = {
      missing: [] as string[],
      remaining: [] as string[],
      unreadable: [] as string[],
      tooLarge: [] as string[],
    }
    let bytes = 0
    for (let next = 0; next < agentIds.length; ) {
      const ids = agentIds.slice(next, next + atOnce(found.length, bytes))
      next += ids.length
      const chains = rest.remaining.length > 0 ? [] : await Promise.all(ids.map((id) => readable(reader, id)))
      for (const [index, id] of ids.entries()) {
        const chain = chains[index]
        if (chain === CORRUPT) rest.unreadable.push(id)
        else if (chain === null || (chain && !(includeInactive || isVisible(chain, nowMicros))))
          rest.missing.push(id)
        else if (chain && chain.stored.length > context.maxItemBytes) rest.tooLarge.push(id)
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

/** How many chains to read at once: about as many as fit, by the size of those that were found. */
function atOnce(found: number, bytes: number): number {
  if (found === 0) return FIRST_READ
  const left = Math.ceil((MAX_PAGE_BYTES - bytes) / (bytes / found))
  return Math.min(READ_AT_ONCE, Math.max(FIRST_READ, left))
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
