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
/** Events are handed out up to this size, though one at least: a reader who then does not go on keeps them from being let go. */
const HANDED_OUT_BYTES = 256 * 1024

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
      const end = endOf(events, first)
      const last = events[end - 1]?.revision ?? revision
      return { events: events.slice(first, end), next: end === events.length ? next : last + 1n }
    },
  }
}

function weightOf(event: HistoryEvent | undefined): number {
  return EVENT_BYTES + (event?.full.length ?? 0)
}

/** Behind the last event that is handed out with that one. */
function endOf(events: HistoryEvent[], first: number): number {
  let bytes = 0
  let end = first
  while (end < events.length) {
    bytes += weightOf(events[end])
    if (end > first && bytes > HANDED_OUT_BYTES) break
    end++
  }
  return end
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
