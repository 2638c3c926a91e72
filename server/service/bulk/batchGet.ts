import type { ShapeLimits } from "@trust-registry/eatp"
import {
  BatchGetChainsResponseSchema,
  ErrorReason,
  encode,
  encodeItems,
  type Handlers,
  type TrustStoreService,
} from "@trust-registry/proto"
import { type FieldViolation, invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import { nowMicros } from "../../store/chains/rows.js"
import type { ServedChain } from "../../store/chains/servedChain.js"
import type { Store } from "../../store/store.js"
import { MAX_PAGE_BYTES } from "../chains/lists.js"
import { isVisible } from "../chains/visible.js"
import { idFault, sentenceOf } from "../request/fields.js"

/** Most agents of a request. */
const MAX_AGENTS = 1_000
/** So many are asked for at once, which is one statement for those not in memory: each may have a chain of a mebibyte. */
const READ_AT_ONCE = 25

/** The handler of BatchGetChains. */
export function createBatchGet(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["batchGetChains"] {
  return async ({ agentIds, includeInactive }) => {
    assureAgentIds(agentIds, limits)
    const found: Buffer[] = []
    const rest = { missing: [] as string[], unread: [] as string[], unreadable: [] as string[] }
    const now = nowMicros()
    let bytes = 0
    for (let next = 0; next < agentIds.length; next += READ_AT_ONCE) {
      const ids = agentIds.slice(next, next + READ_AT_ONCE)
      const chains = rest.unread.length > 0 ? [] : await Promise.all(ids.map((id) => readable(store, id)))
      for (const [index, id] of ids.entries()) {
        const chain = chains[index]
        if (chain === CORRUPT) rest.unreadable.push(id)
        else if (chain === null || (chain && !(includeInactive || isVisible(chain, now))))
          rest.missing.push(id)
        else if (!chain || (bytes + chain.bytes.length > MAX_PAGE_BYTES && bytes > 0)) rest.unread.push(id)
        else {
          found.push(chain.bytes)
          bytes += chain.bytes.length
        }
      }
    }
    // The chains are there in binary form, as GetChain answers them.
    return encodeItems(
      BatchGetChainsResponseSchema.field.found,
      found,
      encode(BatchGetChainsResponseSchema, rest),
    )
  }
}

const CORRUPT = "corrupt"

async function readable(store: Store, agentId: string): Promise<ServedChain | null | typeof CORRUPT> {
  try {
    return await store.getChain(agentId)
  } catch (error) {
    if (error instanceof RegistryError && error.reason === ErrorReason.TRUST_CHAIN_CORRUPT) return CORRUPT
    throw error
  }
}

function assureAgentIds(agentIds: string[], limits: ShapeLimits): void {
  if (agentIds.length > MAX_AGENTS)
    throw invalidRequest("agent_ids", `has ${agentIds.length} ids; at most ${MAX_AGENTS} are allowed`)
  const places = new Map<string, number>()
  const violations: FieldViolation[] = []
  for (const [place, id] of agentIds.entries()) {
    const first = places.get(id)
    const fault = first === undefined ? idFault(id, limits) : `is agent_ids[${first}] again`
    if (fault) violations.push({ field: `agent_ids[${place}]`, description: fault })
    if (first === undefined) places.set(id, place)
  }
  if (violations.length > 0)
    throw new RegistryError(ErrorReason.INVALID_REQUEST, sentenceOf(violations), { violations })
}
