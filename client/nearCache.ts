import { setTimeout as sleep } from "node:timers/promises"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { timestampMs } from "@bufbuild/protobuf/wkt"
import {
  ChainView,
  ConsistencySchema,
  type GetChainRequestSchema,
  type StoredChain,
} from "@trust-registry/proto"
import QuickLRU from "quick-lru"
import { storedChainOf } from "./chainEvent.js"
import type { ChainWatch, WatchRequest } from "./chainWatch.js"
import { type CacheOptions, type CallOptions, MAX_SILENCE_MS } from "./options.js"

type GetChain = (
  request: MessageInitShape<typeof GetChainRequestSchema>,
  options?: CallOptions,
) => Promise<StoredChain>

/** A cache in front of GetChain. */
export interface NearCache {
  /** Answers from memory while that is current, otherwise by a call. Returned messages are shared and frozen. */
  getChain: GetChain
  /** Takes the response to a write of this connection, so that later reads reflect it. */
  written(answer: object): void
  /** Stops its watch. */
  close(): void
}

interface Entry {
  stored: StoredChain
  /** When it expires, in milliseconds since 1970. */
  until: number
}

/** Delay before a watch that failed is started again. */
const RENEW_MS = 1_000

/** Creates a cache whose watch starts with the first read. */
export function nearCache(
  getChain: GetChain,
  watchChains: (request: WatchRequest, options: CallOptions) => ChainWatch,
  { maxEntries }: CacheOptions,
): NearCache {
  if (!(Number.isSafeInteger(maxEntries) && maxEntries >= 1))
    throw new TypeError(`cache.maxEntries is ${maxEntries}: it must be a whole number of 1 or more`)
  // quick-lru keeps up to twice its maxSize.
  const entries = new QuickLRU<string, Entry>({ maxSize: Math.max(1, Math.ceil(maxEntries / 2)) })
  const flights = new Map<string, Set<object>>()
  const closed = new AbortController()
  let following = false
  /** All changes up to this revision are known. */
  let position = 0n
  /** The newest revision that this connection wrote. */
  let own = 0n
  let lastResponseAt = Number.NEGATIVE_INFINITY

  const isCurrent = () => position >= own && performance.now() - lastResponseAt < MAX_SILENCE_MS

  const drop = (agentId: string) => {
    entries.delete(agentId)
    // Reads in progress may return the state before the change.
    flights.delete(agentId)
  }

  const follow = async () => {
    following = true
    while (!closed.signal.aborted) {
      const ownBefore = own
      try {
        const watch = watchChains(
          { filter: { includeInactive: true }, view: ChainView.RECORD },
          { signal: closed.signal },
        )
        let begun = false
        for await (const { events, nextRevision, caughtUp } of watch.responses()) {
          // Earlier reads may lack changes made between the read and the start of this watch.
          if (!begun) flights.clear()
          for (const event of events) drop(storedChainOf(event)?.record?.agentId ?? "")
          position = nextRevision - 1n
          // After a failover that lost our own writes, `position` would not reach `own` until others had used those revisions.
          if (!begun && position < ownBefore) own = position
          begun = true
          lastResponseAt = caughtUp ? performance.now() : Number.NEGATIVE_INFINITY
        }
      } catch {
        // The next watch starts at the present and misses all changes until then.
        lastResponseAt = Number.NEGATIVE_INFINITY
        entries.clear()
        flights.clear()
        await sleep(RENEW_MS, undefined, { signal: closed.signal, ref: false }).catch(() => undefined)
      }
    }
  }

  /** Reads at least at the newest known revision, since the memory of another server may be older. */
  const read: GetChain = async (request, options) => {
    const agentId = request.agentId ?? ""
    const flight = {}
    const under = flights.get(agentId) ?? new Set()
    flights.set(agentId, under.add(flight))
    const value = position > own ? position : own
    try {
      const consistency = create(ConsistencySchema, { requirement: { case: "minRevision", value } })
      const stored = await getChain(value > 0n ? { ...request, consistency } : request, options)
      if (isCurrent() && flights.get(agentId)?.has(flight)) entries.set(agentId, entryOf(stored))
      return stored
    } finally {
      under.delete(flight)
      if (under.size === 0 && flights.get(agentId) === under) flights.delete(agentId)
    }
  }

  return {
    getChain: async (request, options) => {
      if (!following) void follow()
      if (request.includeInactive || request.consistency?.requirement?.case !== undefined)
        return getChain(request, options)
      options?.signal?.throwIfAborted()
      if (!isCurrent()) return position >= own ? getChain(request, options) : read(request, options)
      const entry = entries.get(request.agentId ?? "")
      return entry && Date.now() < entry.until ? entry.stored : read(request, options)
    },
    written: (answer) => {
      const revision = newestRevision(answer)
      if (revision > own) own = revision
    },
    close: () => closed.abort(),
  }
}

function entryOf(stored: StoredChain): Entry {
  const { expiresAt, revokesAt } = stored.record ?? {}
  const moments = [expiresAt, revokesAt].flatMap((moment) => (moment ? timestampMs(moment) : []))
  return { stored: frozen(stored), until: Math.min(Number.POSITIVE_INFINITY, ...moments) }
}

/** All readers share the object, so a change by one of them must not reach the others. */
function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) frozen(inner)
    Object.freeze(value)
  }
  return value
}

/** Returns the newest revision in a response. */
function newestRevision(answer: object): bigint {
  let newest = 0n
  for (const [name, value] of Object.entries(answer)) {
    // Packed error details of batch items contain no written revision.
    if (ArrayBuffer.isView(value)) continue
    const found =
      typeof value === "object" && value !== null ? newestRevision(value) : name === "revision" ? value : 0n
    if (typeof found === "bigint" && found > newest) newest = found
  }
  return newest
}
