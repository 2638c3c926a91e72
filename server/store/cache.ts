import QuickLRU from "quick-lru"

/** A chain as it is served. */
export interface CachedChain {
  /** GetChainResponse in protobuf's binary form. */
  bytes: Buffer
  /** The stored flag. */
  active: boolean
  /** The effective expiry in milliseconds since 1970; Infinity: never. */
  expiresAtMs: number
}

/** Chains in memory, by agent id; `null` stands for "none is stored". */
export interface ChainCache {
  /** The chain from memory if it is fresh, else from the database: one read per key, however many wait for it. */
  get(agentId: string): Promise<CachedChain | null> | CachedChain | null
  /** Forgets these agents; reads of them that are under way will not be kept. */
  invalidate(agentIds: string[]): void
}

interface Entry {
  chain: CachedChain | null
  /** Until when it may be served, by the monotonic clock, which goes on while a process is stopped. */
  freshUntil: number
}

interface Flight {
  answer: Promise<CachedChain | null>
  /** As in the entry it becomes. A stopped process finds answers of long ago when it wakes up: no later reader gets them. */
  freshUntil: number
}

/** Larger responses are read from the database each time. */
const MAX_ENTRY_BYTES = 64 * 1024

/**
 * @param entries most chains that are kept (and as many answers that nothing is stored); 0 keeps none
 * @param maxAgeMs how long one is served, counted from when it was asked of the database
 * @param read reads one chain
 */
export function createChainCache(
  entries: number,
  maxAgeMs: number,
  read: (agentId: string) => Promise<CachedChain | null>,
): ChainCache {
  const chains = createKept(entries)
  const absences = createKept(entries)
  const flights = new Map<string, Flight>()

  const fly = (agentId: string): Promise<CachedChain | null> => {
    const freshUntil = performance.now() + maxAgeMs
    const flight: Flight = { answer: read(agentId), freshUntil }
    flights.set(agentId, flight)
    flight.answer.then(
      (chain) => {
        // A flight that was invalidated is no longer in the map: what it read may be from before the change.
        if (flights.get(agentId) !== flight) return
        flights.delete(agentId)
        if (chain === null) absences?.set(agentId, { chain, freshUntil })
        else if (chain.bytes.length <= MAX_ENTRY_BYTES) chains?.set(agentId, { chain, freshUntil })
      },
      () => flights.get(agentId) === flight && flights.delete(agentId),
    )
    return flight.answer
  }

  return {
    get: (agentId) => {
      const now = performance.now()
      const entry = chains?.get(agentId) ?? absences?.get(agentId)
      if (entry && now < entry.freshUntil) return entry.chain
      const flight = flights.get(agentId)
      return flight && now < flight.freshUntil ? flight.answer : fly(agentId)
    },
    invalidate: (agentIds) => {
      for (const agentId of agentIds) {
        chains?.delete(agentId)
        absences?.delete(agentId)
        flights.delete(agentId)
      }
    },
  }
}

/** quick-lru keeps up to twice its maxSize. */
function createKept(entries: number) {
  return entries > 0
    ? new QuickLRU<string, Entry>({ maxSize: Math.max(1, Math.floor(entries / 2)) })
    : undefined
}
