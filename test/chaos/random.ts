/** Random choices that are determined by a seed. */
export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** An integer from `low` to `high`, inclusive. */
  between(low: number, high: number): number
  /** True with the probability `share`. */
  chance(share: number): boolean
  /** Returns a random item. */
  pick<Item>(items: readonly Item[]): Item
  /** Returns independent choices for a part of the work, unaffected by how often others choose. */
  child(name: string): Random
}

/** Creates the choices of a seed (Mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    chance: (share) => next() < share,
    pick: (items) => {
      if (items.length === 0) throw new Error("nothing to pick from")
      return items[between(0, items.length - 1)] as (typeof items)[number]
    },
    child: (name) =>
      randomFrom(
        [...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16777619), seed ^ 0x811c9dc5),
      ),
  }
}
