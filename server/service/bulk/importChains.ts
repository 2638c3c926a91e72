import { ErrorReason, type TrustStoreService } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { inOrder } from "./inOrder.js"
import type { StoreNext } from "./manyWrites.js"

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
    for await (const result of inOrder(requests, (request) => begin(request), bounds, stop)) {
      yield { index: index++, result }
    }
  }
}

function stopping() {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    "the server is stopping: go on with the first request that it did not answer",
  )
}
