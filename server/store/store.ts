import type { ChainFilter } from "@trust-registry/proto"
import { type AuthorityStore, createAuthorityStore } from "./authorities/authorityStore.js"
import { type CacheState, createCache, followFeed } from "./cache/cache.js"
import { strongReader, type TrustReader } from "./cache/trustReader.js"
import { type AtomicOutcome, createAtomicWrites } from "./chains/atomicWrites.js"
import {
  type ChainWithHistory,
  countChains,
  listChains,
  type PageQuery,
  readChains,
  readGone,
  readWithHistory,
} from "./chains/chains.js"
import { countChainsAt, type ExportQuery, type PastCount, readExport } from "./chains/exportPages.js"
import { type ChainRow, nowMicros, type ServedRow } from "./chains/rows.js"
import { type ServedChain, servedChain } from "./chains/servedChain.js"
import { createWrites, type Depends, type Outcome, type Write } from "./chains/writes.js"
import type { BatchCounts } from "./database/batches.js"
import { openDatabase } from "./database/database.js"
import { isPassing } from "./database/failures.js"
import { migrate } from "./database/migrate.js"
import type { Monitor, OnEvent } from "./database/monitor.js"
import { createReads } from "./database/reads.js"
import { type Connection, openPool } from "./database/sql.js"
import { readNewestRevision } from "./feed/changes.js"
import { type Feed, startFeed } from "./feed/feed.js"
import { startCompaction } from "./history/compaction.js"
import { type Past, readOldestRevision } from "./history/history.js"
import { createHistoryStore, type HistoryStore } from "./history/historyStore.js"
import { pastReader, type RevisionMoment, readMoment } from "./history/past.js"
import { createRevocationStore, type RevocationStore } from "./revocations/revocationStore.js"
import { readFirstStored } from "./revocations/revocations.js"

/** What a store is made of. */
export interface StoreOptions {
  /** The PostgreSQL to use: a URL, or options of the driver. */
  connection: Connection
  /** Most connections at once, besides the two that watch over the database and hear of changes. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Most chains kept in memory; 0: none. */
  cacheEntries: number
  /** How old memory may be and still be served, in milliseconds. */
  cacheMaxAgeMs: number
  /** Most writes that wait; one more is OVERLOADED. */
  maxWaitingWrites: number
  /** How long the history keeps what was replaced, in milliseconds; 0: for ever. */
  historyRetentionMs: number
  /** Told when the database goes and comes back, and what it says by itself. */
  onEvent: OnEvent
}

/**
 * The registry in PostgreSQL, with the cache of chains in front: as a reader it answers from memory where that is fresh.
 * Everything throws RegistryError where the contract has a reason.
 */
export interface Store extends TrustReader {
  /** Brings the schema up to date; waits for the database for up to `waitMs`. Gives the names of the steps taken. */
  migrate(waitMs: number): Promise<string[]>
  /** Reads for one call, all from the database and none begun before. Memory keeps what they find. */
  strong(): TrustReader
  /** Reads for one call from history. */
  at(past: Past): TrustReader
  /** When a revision was, and which is the newest. */
  readMoment(revision: bigint): Promise<RevisionMoment>
  /** No change has a higher revision than this one yet. */
  newestRevision(): Promise<bigint>
  /** The row as it is stored now, never from memory, and what the history tells of it. */
  readWithHistory(agentId: string): Promise<ChainWithHistory>
  /** Makes a change; it is durable and in the history when this resolves with an outcome that says so. */
  write(write: Write): Promise<Outcome>
  /** Makes changes of many agents, each once, all in one transaction or none. */
  writeTogether(writes: Write[]): Promise<AtomicOutcome>
  /** Forgets what is in memory of these: it turned out to be old. */
  forget(stale: Depends): void
  /** A page of chains. */
  listChains(query: PageQuery): Promise<{ rows: ChainRow[]; more: boolean }>
  /** A part of the state at a revision. */
  readExport(query: ExportQuery): Promise<{ rows: ChainRow[]; more: boolean }>
  /** How many chains match, at a moment in microseconds since 1970. */
  countChains(filter: ChainFilter | undefined, now: bigint): Promise<bigint>
  /** How many chains matched right after a revision. */
  countChainsAt(count: PastCount): Promise<bigint>
  /** What there is to count. */
  readonly counts: {
    readonly chains: CacheState
    readonly authorities: CacheState
    readonly writes: BatchCounts
  }
  /** The oldest revision from which on the history is whole. */
  oldestRevision(): Promise<bigint>
  /** The changes of chains. */
  readonly history: HistoryStore
  /** The authorities. */
  readonly authorities: AuthorityStore
  /** The revocations. */
  readonly revocations: RevocationStore
  /** Whether the database is there. */
  readonly monitor: Monitor
  /** What this process has heard of changes, its own and those of others. */
  readonly feed: Feed
  /** Ends all connections. */
  close(graceMs: number): Promise<void>
}

/** Opens a store; nothing is read before `migrate`. */
export function createStore(options: StoreOptions): Store {
  const database = openDatabase(options)
  const feed = startFeed(options.connection, database.monitor, options.cacheMaxAgeMs, options.onEvent)
  const readRow = createReads<ServedRow & { left: boolean }>(
    (ids) => database.run((sql) => readChains(sql, ids)),
    (row) => row.agent_id,
    (row) => row.left,
  )
  const cache = createCache<ServedChain>({
    entries: options.cacheEntries,
    maxAgeMs: options.cacheMaxAgeMs,
    feed,
    read: async (agentId) => {
      const row = await readRow(agentId)
      return row ? servedChain(row) : null
    },
    bytesOf: ({ bytes }) => bytes.length,
  })
  followFeed(cache, feed, "chain")
  const authorities = createAuthorityStore(database, feed, options)
  const revocations = createRevocationStore(database, ({ chains, authorities: ids }) => {
    cache.invalidate(chains)
    authorities.forget(ids)
  })
  const writes = { waiting: 0, batches: 0, items: 0 }
  const write = createWrites(database, options.maxWaitingWrites, cache.invalidate, writes)
  const goneAgents = (agentIds: string[]) => database.run((sql) => readGone(sql, agentIds, nowMicros()))
  const firstStored = (agentId: string) => database.scan((sql) => readFirstStored(sql, agentId))
  const history = createHistoryStore(database, feed)
  const endCompaction =
    options.historyRetentionMs > 0
      ? startCompaction(database.scan, options.historyRetentionMs, options.onEvent)
      : () => Promise.resolve()
  return {
    migrate: (waitMs) => migrateWhenReachable(options, waitMs),
    getChain: cache.get,
    getAuthority: authorities.get,
    goneAgents,
    firstStored,
    strong: () => strongReader(cache.renew, authorities.renew, { goneAgents, firstStored }),
    at: (past) => pastReader(database, past),
    readMoment: (revision) => database.run((sql) => readMoment(sql, revision)),
    newestRevision: () => database.run(readNewestRevision),
    readWithHistory: (agentId) => database.scan((sql) => readWithHistory(sql, agentId)),
    write,
    writeTogether: createAtomicWrites(database, cache.invalidate),
    listChains: (query) => database.scan((sql) => listChains(sql, query)),
    readExport: (query) => database.scan((sql) => readExport(sql, query)),
    countChains: (filter, now) => database.scan((sql) => countChains(sql, filter, now)),
    countChainsAt: (count) => database.scan((sql) => countChainsAt(sql, count)),
    forget: ({ chains, authorities: ids }) => {
      cache.invalidate(Object.keys(chains))
      authorities.forget(Object.keys(ids))
    },
    counts: { chains: cache.state, authorities: authorities.cache, writes },
    oldestRevision: () => database.run(readOldestRevision),
    history,
    authorities,
    revocations,
    monitor: database.monitor,
    feed,
    close: async (graceMs) => {
      const ended = endCompaction()
      history.tail.close()
      await Promise.all([feed.close(), database.close(graceMs)])
      await ended
    },
  }
}

/** On a connection of its own: the pools wait for the schema that this makes. */
async function migrateWhenReachable(options: StoreOptions, waitMs: number): Promise<string[]> {
  const giveUpAt = performance.now() + waitMs
  const pool = openPool(options.connection, 1, () => undefined)
  try {
    for (;;) {
      try {
        return await migrate(pool)
      } catch (error) {
        if (!isPassing(error) || performance.now() > giveUpAt) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  } finally {
    await pool.end({ timeout: 1 })
  }
}
