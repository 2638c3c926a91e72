import type { ShapeLimits } from "@trust-registry/eatp"
import {
  ErrorReason,
  ExportChainsResponseSchema,
  encodeItems,
  type TrustStoreService,
} from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { compacted } from "../../store/history/historicalPoint.js"
import type { ChainRow } from "../../store/rows/chainRows.js"
import { encodedListed } from "../../store/rows/encodedChain.js"
import type { Store } from "../../store/store.js"
import { idFault } from "../request/fields.js"
import { assureFilter, filtered } from "../request/filter.js"

/** Limits of one part. A part is sent while the next is read, so a slow caller makes the server hold two. */
const PART_CHAINS = 500
const PART_BYTES = 1024 * 1024

/** The handler of ExportChains. */
export function createExport(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["exportChains"] {
  return async function* ({ filter, afterAgentId, snapshotRevision }, { draining, maxItemBytes }) {
    assureFilter(filter, limits)
    const fault = afterAgentId === "" ? undefined : idFault(afterAgentId, limits)
    if (fault) throw invalidRequest("after_agent_id", fault)
    const revision = await snapshotOf(store, snapshotRevision)
    const now = store.now()
    const read = (after: string) => {
      const bounds = { after, limit: PART_CHAINS, maxBytes: PART_BYTES }
      const query = { ...bounds, filter, revision, documents: true, now }
      const part = filtered(store.chains.export(query))
      // The part may be awaited much later or never; its failure must not count as unhandled meanwhile.
      part.catch(() => undefined)
      return part
    }
    yield { part: { case: "snapshotRevision" as const, value: revision } }
    // Revision 0 is the empty registry.
    let next: Promise<ExportPart> | undefined = revision === 0n ? undefined : read(afterAgentId)
    while (next) {
      const { rows, more }: ExportPart = await next
      const last: ChainRow | undefined = rows.at(-1)
      next = more && last ? read(last.agent_id) : undefined
      for (const row of rows) {
        if (draining.aborted) throw stopping()
        yield encodeItems(ExportChainsResponseSchema.field.stored, [encodedListed(row, maxItemBytes)])
      }
    }
  }
}

type ExportPart = Awaited<ReturnType<Store["chains"]["export"]>>

/** The requested revision, or the newest. Throws if it is compacted or does not exist yet. */
async function snapshotOf(store: Store, asked: bigint): Promise<bigint> {
  if (asked < 0n) throw invalidRequest("snapshot_revision", `is ${asked}; at least 0 is allowed`)
  const { oldest, newest } = await store.history.ends()
  if (asked === 0n) return newest
  if (asked < oldest) throw compacted(asked, oldest)
  if (asked > newest)
    throw invalidRequest("snapshot_revision", `is ${asked}; the newest revision is ${newest}`)
  return asked
}

function stopping() {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    "the server is stopping: resume after the last agent, at the same snapshot_revision",
  )
}
