import { createSignal } from "../../async/signal.js"

/** Work in progress on an item. */
export interface Begun<Answer> {
  /** The answer. A rejection ends the sequence, after all earlier answers. */
  answer: Promise<Answer>
  /** What the item counts toward the bound on bytes while it is in progress. */
  bytes: number
}

/** How much work may be in progress. */
export interface Bounds {
  /** Most items whose answer has not been read. */
  items: number
  /** The next item starts while the bytes in progress are below this. */
  bytes: number
}

/**
 * Processes items concurrently and yields the answers in the order of the items. Pulls the next item only within the bounds, so
 * that unread answers exert backpressure on the source. If the source fails, its error is thrown after the answers to all
 * earlier items.
 *
 * @param stop no more items are pulled once its signal aborts; its error is thrown after the answers to those already pulled
 */
export async function* inOrder<Item, Answer>(
  items: AsyncIterable<Item>,
  begin: (item: Item) => Begun<Answer>,
  bounds: Bounds,
  stop: { signal: AbortSignal; error: () => Error },
): AsyncGenerator<Answer> {
  const open: Begun<Answer>[] = []
  let bytes = 0
  let done = false
  let failure: { thrown: unknown } | undefined
  const arrived = createSignal()
  const room = createSignal()

  const take = async () => {
    const source = items[Symbol.asyncIterator]()
    try {
      while (!done) {
        const next = await source.next()
        if (done) return
        if (next.done) break
        const begun = begin(next.value)
        begun.answer.catch(() => undefined)
        open.push(begun)
        bytes += begun.bytes
        arrived.notify()
        while (!done && (open.length >= bounds.items || bytes >= bounds.bytes)) await room.wait()
      }
    } catch (thrown) {
      if (!done) failure = { thrown }
    }
    end()
  }
  const end = () => {
    done = true
    arrived.notify()
    room.notify()
  }
  const stopTaking = () => {
    if (!done) failure = { thrown: stop.error() }
    end()
  }

  stop.signal.addEventListener("abort", stopTaking, { once: true })
  if (stop.signal.aborted) stopTaking()
  void take()
  try {
    for (;;) {
      const first = open[0]
      if (first) {
        const answer = await first.answer
        open.shift()
        bytes -= first.bytes
        room.notify()
        yield answer
      } else if (done) break
      else await arrived.wait()
    }
    if (failure) throw failure.thrown
  } finally {
    stop.signal.removeEventListener("abort", stopTaking)
    end()
  }
}
