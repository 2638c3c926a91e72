import { onAbort } from "./rpc/onAbort.js"

/** Items on their way to the registry: each stays until its result has arrived, so that another call can send it again. */
export interface Upload<Item> {
  /** The oldest item without a result. */
  first(): Item | undefined
  /** Removes it and gives it. */
  shift(): Item | undefined
  /** Resolves when the next item was added; never rejects. */
  added(): Promise<undefined>
  /** Whether any item without a result is as asked; takes more until one is. False, too, once the signal is aborted. */
  some(asked: (item: Item) => boolean, signal: AbortSignal): Promise<boolean>
  /** All items without a result, then those that the source still gives, until the signal is aborted. */
  items(signal: AbortSignal): AsyncGenerator<Item>
  /** Whether the source itself failed. */
  readonly failed: boolean
  /** Takes no more, and ends the source. */
  leave(): void
}

/**
 * Takes items from a source, only while fewer than `most` have no result yet.
 *
 * @param opened what is kept of an item, given its place
 */
export function uploadOf<Source, Item>(
  source: AsyncIterable<Source> | Iterable<Source>,
  opened: (given: Source, index: number) => Promise<Item>,
  most: number,
): Upload<Item> {
  const open: Item[] = []
  const given = (async function* () {
    yield* source
  })()
  let taken = 0
  let left = false
  let ended = false
  let failed = false
  let taking: Promise<void> | undefined
  let notifyRoom = () => {}
  let notifyAdded = () => {}

  const take = async () => {
    while (open.length >= most && !left) await new Promise<void>((resolve) => (notifyRoom = resolve))
    if (left) return
    try {
      const { done, value } = await given.next()
      if (done) ended = true
      else {
        open.push(await opened(value, taken))
        taken++
      }
    } catch (error) {
      failed = true
      throw error
    } finally {
      notifyAdded()
    }
  }
  /** Calls that overlap, one of them given up, take the same item. */
  const takeOne = () => {
    taking ??= take().finally(() => (taking = undefined))
    return taking
  }

  return {
    first: () => open[0],
    shift() {
      const item = open.shift()
      notifyRoom()
      return item
    },
    added: () => new Promise((resolve) => (notifyAdded = () => resolve(undefined))),
    async some(asked, signal) {
      const aborted = whenAborted(signal)
      while (!open.some(asked) && !ended && !left && !signal.aborted) await Promise.race([takeOne(), aborted])
      return open.some(asked)
    },
    async *items(signal) {
      let next = 0
      while (!left && !signal.aborted) {
        // The next item may have its result already: it was refused before it was sent.
        next = Math.max(next, taken - open.length)
        const item = open[next - (taken - open.length)]
        if (item !== undefined) {
          next++
          yield item
        } else if (ended) return
        else await takeOne()
      }
    },
    get failed() {
      return failed
    },
    leave() {
      left = true
      notifyRoom()
      // The source may be waiting for something that never comes.
      void given.return(undefined).catch(() => undefined)
    },
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else onAbort(signal, () => resolve(undefined))
  })
}
