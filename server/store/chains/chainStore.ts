import type { ChainFilter } from "@trust-registry/proto"
import type { ByteAccount } from "../../async/byteAccount.js"
import { type CacheState, createCache, followFeed } from "../cache/cache.js"
import type { BatchCounts } from "../database/batches.js"
import type { Database } from "../database/database.js"
import { createReads } from "../database/reads.js"
import type { Feed } from "../feed/feed.js"
import type { ChainRow, ServedRow } from "../rows/chainRows.js"
import { type ServedChain, servedChain } from "../rows/servedChain.js"
import { type AtomicOutcome, createAtomicWrites } from "./atomicWrites.js"
import {
  type ChainWithHistory,
  countChains,
  listChains,
  MAX_READ_BYTES,
  type PageQuery,
  readChains,
  readGone,
  readWithHistory,
} from "./chains.js"
import {
  countChainsAt,
  type ExportQuery,
  type PastCount,
  readExport,
  readTombstones,
  type TombstonePage,
} from "./exportPages.js"
import { createWrites, type Outcome, type Write } from "./writes.js"

/** The chains in PostgreSQL. Only `get` answers from memory. */
export interface ChainStore {
  /** The chain as it is served, from memory while that is fresh; null if none is stored. */
  get(agentId: string): Promise<ServedChain | null> | ServedChain | null
  /** Like `get`, but by a database read that starts after the call, unless the signal aborts before. Memory keeps what it finds. */
  renew(agentId: string, signal?: AbortSignal): Promise<ServedChain | null>
  /** The chain from memory while that is fresh; undefined if it is not there. */
  peek(agentId: string): ServedChain | null | undefined
  /** Drops these agents' chains from memory. */
  forget(agentIds: Iterable<string>): void
  /** Those of these agents that have no chain and are known to be purged or revoked. */
  gone(agentIds: string[]): Promise<Set<string>>
  /** The row as it is stored now, with what the history says about it. */
  withHistory(agentId: string): Promise<ChainWithHistory>
  /** A page of chains, and whether more follow. */
  list(query: PageQuery): Promise<{ rows: ChainRow[]; more: boolean }>
  /** How many chains match the filter at a time in microseconds since 1970. */
  count(filter: ChainFilter | undefined, now: bigint): Promise<bigint>
  /** How many chains matched right after a revision. */
  countAt(count: PastCount): Promise<bigint>
  /** A page of the state at a revision, and whether more follows. */
  export(query: ExportQuery): Promise<{ rows: ChainRow[]; more: boolean }>
  /** The tombstones at a revision among the next agents after this one. */
  tombstones(revision: bigint, after: string): Promise<TombstonePage>
  /** Makes a change. It is durable and in the history once this resolves with an outcome that accepts it. */
  write(write: Write): Promise<Outcome>
  /** Stores what an archive has of an agent, likewise. Its operation begins with `import_`. */
  import(write: Write): Promise<Outcome>
  /** Changes several agents' chains, each agent once, in one transaction: all or none. */
  writeAll(writes: Write[]): Promise<AtomicOutcome>
  /** Size and hit counts of the cache. */
  readonly cache: CacheState
  /** Counts of batched writes. */
  readonly batches: Readonly<BatchCounts>
}

/** Sizes and ages of a chain store; see StoreOptions. */
export interface ChainStoreOptions {
  readonly cacheEntries: number
  readonly cacheMaxAgeMs: number
  readonly maxWaitingWrites: number
  readonly account?: ByteAccount | undefined
}

/** Opens the store of chains over a database, with a cache that follows the feed. */
export function createChainStore(database: Database, feed: Feed, options: ChainStoreOptions): ChainStore {
  const cache = createChainCache(database, feed, options)
  const batches = { waiting: 0, batches: 0, items: 0 }
  return {
    get: cache.get,
    renew: cache.renew,
    peek: cache.peek,
    forget: cache.invalidate,
    gone: (agentIds) => database.run((sql) => readGone(sql, agentIds, database.monitor.now())),
    withHistory: (agentId) => database.scan((sql) => readWithHistory(sql, agentId)),
    list: (query) => database.scan((sql) => listChains(sql, query)),
    count: (filter, now) => database.scan((sql) => countChains(sql, filter, now)),
    countAt: (count) => database.scan((sql) => countChainsAt(sql, count)),
    export: (query) => database.scan((sql) => readExport(sql, query)),
    tombstones: (revision, after) => database.scan((sql) => readTombstones(sql, revision, after)),
    write: createWrites(database, options.maxWaitingWrites, cache.invalidate, batches),
    import: createWrites(
      database,
      options.maxWaitingWrites,
      cache.invalidate,
      batches,
      "trust_chains_import",
    ),
    writeAll: createAtomicWrites(database, cache.invalidate),
    cache: cache.state,
    batches,
  }
}

function createChainCache(database: Database, feed: Feed, options: ChainStoreOptions) {
  const readRow = createReads<ServedRow & { left: boolean }>({
    read: (ids) => database.run((sql) => readChains(sql, ids)),
    idOf: (row) => row.agent_id,
    left: (row) => row.left,
    room: { account: options.account, bytes: () => MAX_READ_BYTES },
  })
  const cache = createCache<ServedChain>({
    entries: options.cacheEntries,
    maxAgeMs: options.cacheMaxAgeMs,
    feed,
    read: async (agentId, reading) => {
      const row = await readRow(agentId, reading)
      return row ? servedChain(row) : null
    },
    bytesOf: ({ bytes }) => bytes.length,
  })
  followFeed(cache, feed, "chain")
  return cache
}
