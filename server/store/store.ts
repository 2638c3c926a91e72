import type { ByteAccount } from "../async/byteAccount.js"
import { type Connection, targetOf } from "../connection/targetOf.js"
import { type AuthorityStore, createAuthorityStore } from "./authorities/authorityStore.js"
import { type ChainStore, createChainStore } from "./chains/chainStore.js"
import { openDatabase } from "./database/database.js"
import { migrateWhenReachable } from "./database/migrateWhenReachable.js"
import type { Monitor, OnEvent } from "./database/monitor.js"
import { type Feed, startFeed } from "./feed/feed.js"
import { startCompaction } from "./history/compaction.js"
import type { HistoricalPoint } from "./history/historicalPoint.js"
import { createHistoryStore, type HistoryStore } from "./history/historyStore.js"
import { historyReader } from "./readers/historyReader.js"
import { type MemoryReader, memoryReader } from "./readers/memoryReader.js"
import { strongReader } from "./readers/strongReader.js"
import type { TrustReader } from "./readers/trustReader.js"
import { startCascades } from "./revocations/cascades.js"
import { createRevocationStore, type RevocationStore } from "./revocations/revocationStore.js"

/** Where the database is, and the limits of a store. */
export interface StoreOptions {
  /** The PostgreSQL to use: a URL, or options of the driver. */
  connection: Connection
  /** Most connections at once, besides one for the monitor and one for the feed. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Most chains kept in memory, and as many authorities; 0 disables the caches. */
  cacheEntries: number
  /** How old memory may be and still be served, in milliseconds. */
  cacheMaxAgeMs: number
  /** Most writes that may wait; one more is OVERLOADED. */
  maxWaitingWrites: number
  /** How long the history keeps replaced revisions, in milliseconds; 0 keeps them for ever. */
  historyRetentionMs: number
  /** Counts what chains hold that are read; unset, they are not counted. */
  account?: ByteAccount | undefined
  /** Called when the database goes away or comes back, and with its notices. */
  onEvent: OnEvent
}

/** The registry in PostgreSQL. Everything throws RegistryError where the contract has a reason. */
export interface Store {
  readonly chains: ChainStore
  readonly authorities: AuthorityStore
  readonly revocations: RevocationStore
  readonly history: HistoryStore
  /** Counts what chains hold that are read; undefined where they are not counted. */
  readonly account: ByteAccount | undefined
  /** Reads from memory while it is fresh, else from the database. */
  readonly memory: MemoryReader
  /** A reader for one call, from the database only, which stops reading when the signal aborts. */
  strong(signal: AbortSignal): TrustReader
  /** A reader for one call, of the state at a point in history. */
  at(point: HistoricalPoint): TrustReader
  /** Knows whether the database is available. */
  readonly monitor: Monitor
  /** The time by the clock of the database, see {@link Monitor.now}. */
  now(): bigint
  /** Reports changes to chains and authorities, this process's own and those of others. */
  readonly feed: Feed
  /** Migrates the schema, waiting up to `waitMs` for the database. Gives the names of the steps applied. */
  migrate(waitMs: number): Promise<string[]>
  /** Closes all connections. Running statements get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** Opens a store. Nothing is read before `migrate`. */
export function createStore(options: StoreOptions): Store {
  const { onEvent } = options
  // One for all pools, which share what they learn.
  const connection = targetOf(options.connection)
  const database = openDatabase({ ...options, connection })
  const feed = startFeed(connection, database.monitor, options.cacheMaxAgeMs, onEvent)
  const chains = createChainStore(database, feed, options)
  const authorities = createAuthorityStore(database, feed, options)
  const history = createHistoryStore(database, feed)
  const compaction = startCompaction(database.scan, options.historyRetentionMs, onEvent)
  const cascades = startCascades(database, onEvent)
  return {
    chains,
    authorities,
    revocations: createRevocationStore(database, chains, authorities, cascades),
    history,
    account: options.account,
    memory: memoryReader(chains, authorities, history, database.monitor.now),
    strong: (signal) => strongReader(chains, authorities, history, signal),
    at: (point) => historyReader(database, history, point),
    monitor: database.monitor,
    now: database.monitor.now,
    feed,
    migrate: async (waitMs) => {
      const steps = await migrateWhenReachable(connection, waitMs)
      cascades.wake()
      return steps
    },
    close: async (graceMs) => {
      const compacted = compaction.stop()
      cascades.stop()
      history.tail.close()
      await Promise.all([feed.close(), database.close(graceMs), compacted])
    },
  }
}
