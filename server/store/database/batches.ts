/** How items become batches. */
export interface BatchOptions<Item, Answer> {
  /** Does a batch; answers, or the errors of single items, stand in the order of the items. What it throws fails all. */
  run: (items: Item[]) => Promise<(Answer | Error)[]>
  /** Items of one key are done one after the other, in the order they came. */
  keyOf: (item: Item) => string
  /** What an item weighs, in bytes. */
  sizeOf: (item: Item) => number
  /** Most items of a batch. */
  maxItems: number
  /** Most bytes of a batch; a single larger item goes alone. */
  maxBytes: number
  /** Most batches at once. */
  atOnce: number
  /** Most items that wait; `full` makes the error for one more. */
  maxWaiting: number
  /** Most bytes that wait. */
  maxWaitingBytes: number
  /** The error for an item that would be one too many. */
  full: () => Error
  /** Whether a failed batch means that those that wait would fail as well. */
  failsAll?: (error: unknown) => boolean
  /** Kept up to date, for whoever wants to know. */
  counts?: BatchCounts
}

/** How batches do. */
export interface BatchCounts {
  /** Items that wait for a batch. */
  waiting: number
  /** Batches since the start. */
  batches: number
  /** Items in these batches. */
  items: number
}

interface Waiting<Item, Answer> {
  item: Item
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}

/**
 * Gathers concurrent items into batches without a timer: an item that finds nothing going on starts at once, and
 * while a batch is going on the next one gathers.
 */
export function createBatches<Item, Answer>(options: BatchOptions<Item, Answer>) {
  let waiting: Waiting<Item, Answer>[] = []
  let waitingBytes = 0
  let going = 0
  let scheduled = false

  const sizeOfAll = (entries: Waiting<Item, Answer>[]) =>
    entries.reduce((bytes, { item }) => bytes + options.sizeOf(item), 0)

  const takeAll = () => {
    waitingBytes = 0
    if (options.counts) options.counts.waiting = 0
    return waiting.splice(0)
  }

  const flush = async () => {
    scheduled = false
    if (going >= options.atOnce || waiting.length === 0) return
    const [batch, rest] = cut(waiting, options)
    waiting = rest
    waitingBytes -= sizeOfAll(batch)
    going++
    if (options.counts) {
      options.counts.waiting = waiting.length
      options.counts.batches++
      options.counts.items += batch.length
    }
    const answers = await options.run(batch.map(({ item }) => item)).catch((error: unknown) => {
      for (const { reject } of options.failsAll?.(error) ? [...batch, ...takeAll()] : batch) reject(error)
    })
    going--
    // Before the answers go out, which takes a while with many: the database would wait for that.
    void flush()
    if (!answers) return
    batch.forEach(({ resolve, reject }, index) => {
      const answer = answers[index]
      if (answer instanceof Error) reject(answer)
      else resolve(answer as Answer)
    })
  }

  // One turn later, so that all that came in the same turn of the event loop share the first batch too.
  const schedule = () => {
    if (scheduled || waiting.length === 0 || going >= options.atOnce) return
    scheduled = true
    setImmediate(() => void flush())
  }

  return (item: Item): Promise<Answer> => {
    const bytes = waitingBytes + options.sizeOf(item)
    const full =
      waiting.length >= options.maxWaiting || (waiting.length > 0 && bytes > options.maxWaitingBytes)
    if (full) return Promise.reject(options.full())
    waitingBytes = bytes
    return new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (options.counts) options.counts.waiting = waiting.length
      schedule()
    })
  }
}

/** An item that does not fit holds back all later ones of its key. */
function cut<Item, Answer>(waiting: Waiting<Item, Answer>[], options: BatchOptions<Item, Answer>) {
  const batch: Waiting<Item, Answer>[] = []
  const rest: Waiting<Item, Answer>[] = []
  const seen = new Set<string>()
  let bytes = 0
  for (const entry of waiting) {
    const key = options.keyOf(entry.item)
    const size = options.sizeOf(entry.item)
    const fits = batch.length < options.maxItems && (batch.length === 0 || bytes + size <= options.maxBytes)
    if (fits && !seen.has(key)) {
      batch.push(entry)
      bytes += size
    } else rest.push(entry)
    seen.add(key)
  }
  return [batch, rest] as const
}
