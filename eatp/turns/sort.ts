// How many items are sorted in one step; of those that are merged, twice as many are looked at.
const RUN = 1_024

/** Sorts a copy, stably, in steps between which others may have a turn. */
export function* sortSteps<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Generator<void, Item[]> {
  if (items.length <= RUN) return [...items].sort(compare)
  let runs: Item[][] = []
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const merged: Item[][] = []
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* mergeSteps(runs[at] as Item[], runs[at + 1] ?? [], compare))
    runs = merged
  }
  return runs[0] as Item[]
}

function* mergeSteps<Item>(
  left: Item[],
  right: Item[],
  compare: (a: Item, b: Item) => number,
): Generator<void, Item[]> {
  const merged: Item[] = []
  let [l, r] = [0, 0]
  while (l < left.length && r < right.length) {
    const [a, b] = [left[l] as Item, right[r] as Item]
    // Equal items keep their order.
    if (compare(a, b) <= 0) {
      merged.push(a)
      l++
    } else {
      merged.push(b)
      r++
    }
    if (merged.length % RUN === 0) yield
  }
  for (; l < left.length; l++) merged.push(left[l] as Item)
  for (; r < right.length; r++) merged.push(right[r] as Item)
  return merged
}
