import { create } from "@bufbuild/protobuf"
import {
  ErrorReason,
  type Handlers,
  StoreChainRequestSchema,
  type TrustStoreService,
} from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import { inOrder } from "./inOrder.js"
import type { StoreNext } from "./manyStores.js"

/** Most requests of a stream that are worked on or whose answer was not taken yet: a batch under way, and the next. */
const MAX_OPEN_ITEMS = 2_000
/** Most bytes of their chains. */
const MAX_OPEN_BYTES = 16 * 1024 * 1024

/** The handler of ImportChains. */
export function createImport(
  open: (context: RpcContext) => StoreNext,
): Handlers<typeof TrustStoreService, RpcContext>["importChains"] {
  return async function* (requests, context) {
    const bounds = { items: MAX_OPEN_ITEMS, bytes: MAX_OPEN_BYTES }
    const stop = { signal: context.draining, error: stopping }
    let index = 0n
    const begin = open(context)
    for await (const result of inOrder(requests, ({ request }) => begin(request ?? NOTHING), bounds, stop)) {
      yield { index: index++, result: { result } }
    }
  }
}

/** Without a request there is no chain, which is refused like any other request without one. */
const NOTHING = create(StoreChainRequestSchema)

function stopping() {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    "the server is stopping: go on with the first request that it did not answer",
  )
}
