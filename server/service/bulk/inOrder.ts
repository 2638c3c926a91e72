import { createSignal } from "../../async/signal.js"

/** Work on an item that has begun. */
export interface Begun<Answer> {
  /** What comes of it; a rejection ends everything after the answers before it. */
  answer: Promise<Answer>
  /** What it weighs while it is worked on, in bytes. */
  bytes: number
}

/** How much is worked on at once. */
export interface Bounds {
  /** Most items whose answer was not taken yet. */
  items: number
  /** Most bytes of these; one more item is begun while they are below it. */
  bytes: number
}

/**
 * Works on items as they come, many at once, and gives the answers in the order of the items. The next item is asked for
 * while there is room, so that whoever takes no answers holds back whoever gives items. What the items fail with is thrown
 * after the answers to all before.
 *
 * @param stop no more items are taken once its signal is aborted; its error is thrown after the answers to those that were
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
