import type { HistoryEvent } from "./event.js"

/** The newest changes: every one from its start up to its next revision. */
export interface Memory {
  /** There may be changes from here on that are not held. */
  readonly next: bigint
  /** From which revision on it can be read, with what filters ask of documents or without. */
  startFor(facts: boolean): bigint
  /** Takes the changes below `next`; the oldest ones make room. */
  add(events: HistoryEvent[], next: bigint, facts: boolean): void
  /** The changes from that revision on; undefined: none is known. The revision must not be below the start. */
  from(revision: bigint): { events: HistoryEvent[]; next: bigint } | undefined
}

/** Most bytes of encoded events that are held for readers who are a little behind. */
const MAX_BYTES = 16 * 1024 * 1024
/** What an event weighs beside its bytes, roughly. */
const EVENT_BYTES = 1024
/** Most events that are handed out at once. */
const MOST_EVENTS = 512

/** An empty memory of the changes from a revision on. */
export function memory(start: bigint): Memory {
  let events: HistoryEvent[] = []
  let bytes = 0
  let next = start
  let factsStart: bigint | undefined

  const makeRoom = () => {
    let dropped = 0
    while (bytes > MAX_BYTES && dropped < events.length) bytes -= weightOf(events[dropped++])
    if (dropped === 0) return
    start = (events[dropped - 1]?.revision ?? next - 1n) + 1n
    events = events.slice(dropped)
  }

  return {
    get next() {
      return next
    },
    startFor: (facts) => {
      if (!facts) return start
      return factsStart === undefined ? next + 1n : factsStart > start ? factsStart : start
    },
    add: (added, upTo, facts) => {
      if (!facts) factsStart = undefined
      else factsStart ??= next
      for (const event of added) {
        events.push(event)
        bytes += weightOf(event)
      }
      next = upTo
      makeRoom()
    },
    from: (revision) => {
      if (revision >= next) return undefined
      const first = placeOf(events, revision)
      const found = events.slice(first, first + MOST_EVENTS)
      const all = first + found.length === events.length
      return { events: found, next: all ? next : (found.at(-1)?.revision ?? revision) + 1n }
    },
  }
}

function weightOf(event: HistoryEvent | undefined): number {
  return EVENT_BYTES + (event?.full.length ?? 0)
}

/** The place of the first event from that revision on. */
function placeOf(events: HistoryEvent[], revision: bigint): number {
  let [low, high] = [0, events.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.revision ?? 0n) < revision) low = middle + 1
    else high = middle
  }
  return low
}
