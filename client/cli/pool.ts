/**
 * Works on items as they arrive, up to `limit` at once; takes the next one when there is room. Items with the same key are
 * processed in order, one at a time. Ends when all work is done. The first failure stops the intake and later items of its
 * key, and is thrown once the work in progress has ended.
 */
export async function forEachInPool<Item>(
  items: AsyncIterable<Item>,
  {
    limit,
    keyOf,
    work,
  }: { limit: number; keyOf: (item: Item) => string; work: (item: Item) => Promise<void> },
): Promise<void> {
  const running = new Set<Promise<void>>()
  const last = new Map<string, Promise<void>>()
  const failures: unknown[] = []
  for await (const item of items) {
    const key = keyOf(item)
    const task = (last.get(key) ?? Promise.resolve())
      .then(() => (failures.length > 0 ? undefined : work(item)))
      .catch((error) => void failures.push(error))
      .finally(() => {
        running.delete(task)
        if (last.get(key) === task) last.delete(key)
      })
    running.add(task)
    last.set(key, task)
    if (running.size >= limit) await Promise.race(running)
    if (failures.length > 0) break
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
