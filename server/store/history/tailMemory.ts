import type { HistoryEvent } from "./event.js"

/** The newest changes in memory: all of them between its start and its `next`. */
export interface Memory {
  /** Changes from this revision on are not in memory. */
  readonly next: bigint
  /** The first revision it can be read from; `facts` for with what filters ask about documents. */
  startFor(facts: boolean): bigint
  /** Adds the changes below `next`. The oldest ones make room. */
  add(events: HistoryEvent[], next: bigint, facts: boolean): void
  /** A batch of changes from a revision on, which must not be below the start; undefined if that is not in memory yet. */
  from(revision: bigint): { events: HistoryEvent[]; next: bigint } | undefined
}

/** Most bytes of encoded events in memory, for readers that are a little behind. */
const MAX_BYTES = 16 * 1024 * 1024
/** What an event takes besides its encoded bytes, roughly. */
const EVENT_BYTES = 1024
/** A batch has at most this many bytes, but at least one event: a reader that stops reading keeps its batch from being freed. */
const BATCH_BYTES = 256 * 1024

/** An empty memory of the changes from a revision on. */
export function memory(start: bigint): Memory {
  let events: HistoryEvent[] = []
  let bytes = 0
  let next = start
  let factsStart: bigint | undefined

  const makeRoom = () => {
    let dropped = 0
    while (bytes > MAX_BYTES && dropped < events.length) bytes -= sizeOf(events[dropped++])
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
        bytes += sizeOf(event)
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

function sizeOf(event: HistoryEvent | undefined): number {
  return EVENT_BYTES + (event?.full.length ?? 0)
}

/** The end of the batch that begins with that event. */
function endOf(events: HistoryEvent[], first: number): number {
  let bytes = 0
  let end = first
  while (end < events.length) {
    bytes += sizeOf(events[end])
    if (end > first && bytes > BATCH_BYTES) break
    end++
  }
  return end
}

/** The index of the first event from that revision on. */
function placeOf(events: HistoryEvent[], revision: bigint): number {
  let [low, high] = [0, events.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.revision ?? 0n) < revision) low = middle + 1
    else high = middle
  }
  return low
}
