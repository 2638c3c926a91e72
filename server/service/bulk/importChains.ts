import { create } from "@bufbuild/protobuf"
import {
  ChainStatus,
  ErrorReason,
  type ImportChainsRequest,
  StoreChainRequestSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { inOrder } from "./inOrder.js"
import type { StoreNext } from "./manyStores.js"
import type { TombstoneNext } from "./tombstones.js"

/** Most requests of a stream in progress or with an unread answer: the current batch and the next. */
const MAX_OPEN_ITEMS = 2_000
/** Most bytes of the chains in these requests. */
const MAX_OPEN_BYTES = 16 * 1024 * 1024

/** The handler of ImportChains. */
export function createImport(
  open: (context: RpcContext) => StoreNext,
  openTombstones: (context: RpcContext) => TombstoneNext,
): Handlers<typeof TrustStoreService, RpcContext>["importChains"] {
  return async function* (requests, context) {
    const bounds = { items: MAX_OPEN_ITEMS, bytes: MAX_OPEN_BYTES }
    const stop = { signal: context.draining, error: stopping }
    let index = 0n
    const store = open(context)
    const bury = openTombstones(context)
    const begin = (item: ImportChainsRequest) =>
      item.purged
        ? bury(item.purged, item)
        : store(item.request ?? NOTHING, undefined, {
            requireDelegators: item.requireDelegators,
            state: stateOf(item.status),
          })
    for await (const result of inOrder(requests, begin, bounds, stop)) {
      yield { index: index++, result: { result } }
    }
  }
}

/** Stands in for a missing request: refused, like any request without a chain. */
const NOTHING = create(StoreChainRequestSchema)

/** Undefined for a chain that comes from no archive. An unknown status denies whatever it means. */
function stateOf(status: ChainStatus) {
  return status === ChainStatus.UNSPECIFIED ? undefined : (STATES[status] ?? "revoked")
}

const STATES: Partial<Record<ChainStatus, "active" | "deleted" | "suspended">> = {
  [ChainStatus.ACTIVE]: "active",
  [ChainStatus.DELETED]: "deleted",
  [ChainStatus.SUSPENDED]: "suspended",
}

function stopping() {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    "the server is stopping: resume with the first request that was not answered",
  )
}
