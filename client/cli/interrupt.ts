/** Hears Ctrl-C, or SIGTERM, once: a second one ends the process as it does elsewhere. */
export interface Interrupt {
  /** Aborted by it. */
  signal: AbortSignal
  /** Hears no more. */
  end(): void
}

/** Begins to hear Ctrl-C (SIGINT) and SIGTERM, which then no longer end the process by themselves. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController()
  const end = () => {
    for (const signal of SIGNALS) process.off(signal, abort)
  }
  const abort = () => {
    end()
    controller.abort()
  }
  for (const signal of SIGNALS) process.on(signal, abort)
  return { signal: controller.signal, end }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const

/** The items, until the signal is aborted; `rest` then gets what the source would have given next. */
export async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
  rest: (next: Promise<IteratorResult<Item>>) => void,
): AsyncGenerator<Item> {
  const iterator = items[Symbol.asyncIterator]()
  const aborted = new Promise<"aborted">((resolve) => {
    signal.addEventListener("abort", () => resolve("aborted"), { once: true })
  })
  for (;;) {
    const next = iterator.next()
    const got = signal.aborted ? "aborted" : await Promise.race([next, aborted])
    if (got === "aborted") rest(next)
    if (got === "aborted" || got.done) return
    yield got.value
  }
}
