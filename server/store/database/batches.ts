/** How items are batched. */
export interface BatchOptions<Item, Answer> {
  /** Runs a batch. Gives an answer or an error per item, in the order of the items. What it throws fails the whole batch. */
  run: (items: Item[]) => Promise<(Answer | Error)[]>
  /** Items with the same key run in different batches, in the order they came. */
  keyOf: (item: Item) => string
  /** The size of an item, in bytes. */
  sizeOf: (item: Item) => number
  /** Most items of a batch. */
  maxItems: number
  /** Most bytes of a batch; a larger item goes alone. */
  maxBytes: number
  /** Most batches that run at once. */
  atOnce: number
  /** Most items that may wait; one more gets the error of `full`. */
  maxWaiting: number
  /** Most bytes that may wait. */
  maxWaitingBytes: number
  /** Makes the error for an item that finds the queue full. */
  full: () => Error
  /** Whether the error of a batch fails the waiting items too. By default false. */
  failsAll?: (error: unknown) => boolean
  /** Counters to keep up to date. */
  counts?: BatchCounts
}

/** Counts of batched items. */
export interface BatchCounts {
  /** Items waiting for a batch. */
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
 * Batches concurrent items without a timer: an item that finds no batch running starts one at once, and the next batch gathers
 * while one runs.
 */
export function createBatches<Item, Answer>(options: BatchOptions<Item, Answer>) {
  let waiting: Waiting<Item, Answer>[] = []
  let waitingBytes = 0
  let running = 0
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
    if (running >= options.atOnce || waiting.length === 0) return
    const [batch, rest] = cut(waiting, options)
    waiting = rest
    waitingBytes -= sizeOfAll(batch)
    running++
    if (options.counts) {
      options.counts.waiting = waiting.length
      options.counts.batches++
      options.counts.items += batch.length
    }
    const answers = await options.run(batch.map(({ item }) => item)).catch((error: unknown) => {
      for (const { reject } of options.failsAll?.(error) ? [...batch, ...takeAll()] : batch) reject(error)
    })
    running--
    // Before the answers are handed out, which takes a while for many: the database would be idle meanwhile.
    void flush()
    if (!answers) return
    batch.forEach(({ resolve, reject }, index) => {
      const answer = answers[index]
      if (answer instanceof Error) reject(answer)
      else resolve(answer as Answer)
    })
  }

  // One turn later, so that all items of this turn of the event loop share the first batch.
  const schedule = () => {
    if (scheduled || waiting.length === 0 || running >= options.atOnce) return
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

/** Cuts the next batch off the queue. An item that does not fit holds back all later ones with its key. */
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
