/** Catches Ctrl-C, SIGTERM or SIGHUP once; a second one ends the process as usual. */
export interface Interrupt {
  /** Aborted by the first one. */
  signal: AbortSignal
  /** Stops catching them. */
  end(): void
}

/** Starts to catch Ctrl-C (SIGINT), SIGTERM and the end of the terminal (SIGHUP), which then do not end the process. */
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

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Yields the items until the signal is aborted; `rest` then receives the next item of the source. */
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
