import type { DescMethod } from "@bufbuild/protobuf"
import { type Encoded, encode } from "@trust-registry/proto"
import type { RpcContext } from "./context.js"
import type { ServerCall } from "./handlers.js"
import { CALL_BYTES, type Share } from "./share.js"

/**
 * The most bytes under way to a caller who does not read, beside one reply and what HTTP/2 holds. grpc-js by itself would
 * take sixteen replies of any size.
 */
const MAX_UNSENT_BYTES = 128 * 1024

/** Sends the replies of a stream as fast as the caller reads them. Throws the signal's reason once it is aborted. */
export async function sendReplies(
  method: DescMethod,
  raw: ServerCall,
  replies: AsyncIterable<unknown>,
  { signal, draining, share }: Pick<RpcContext, "signal" | "draining"> & { share: Share | undefined },
): Promise<void> {
  let unsent = 0
  const count = () => {
    if (share) share.unreadSince = unsent === 0 ? 0 : performance.now()
    return share?.hold("answer", unsent <= CALL_BYTES ? 0 : unsent)
  }
  let notify: () => void = () => undefined
  const onAbort = () => notify()
  const changed = () =>
    new Promise<void>((resolve) => {
      notify = resolve
    })
  signal.addEventListener("abort", onAbort)
  draining.addEventListener("abort", onAbort)
  try {
    for await (const reply of replies) {
      signal.throwIfAborted()
      const bytes = encode(method.output, reply as Encoded)
      unsent += bytes.length
      const room = count()
      if (room) await room
      raw.write(bytes, () => {
        unsent -= bytes.length
        count()
        notify()
      })
      const wasDraining = draining.aborted
      // A caller who is gone never reads. One who does not read must not keep the handler from ending when the server
      // begins to stop.
      while (unsent > MAX_UNSENT_BYTES && !signal.aborted && draining.aborted === wasDraining) await changed()
    }
  } finally {
    signal.removeEventListener("abort", onAbort)
    draining.removeEventListener("abort", onAbort)
  }
}
