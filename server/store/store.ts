import type { ChainFilter } from "@trust-registry/proto"
import { type AuthorityStore, createAuthorityStore } from "./authorityStore.js"
import { createBatches } from "./batches.js"
import { createCache } from "./cache.js"
import {
  type ChainWithHistory,
  countChains,
  listChains,
  type PageQuery,
  readChains,
  readGone,
  readWithHistory,
} from "./chains.js"
import { openDatabase } from "./database.js"
import { databaseUnavailable, isPassing, isUnavailable } from "./failures.js"
import { migrate } from "./migrate.js"
import type { Monitor, OnEvent } from "./monitor.js"
import { type ChainRow, nowMicros, type ServedRow } from "./rows.js"
import { type ServedChain, servedChain } from "./servedChain.js"
import { type Connection, openPool } from "./sql.js"
import { createWrites, type Depends, type Outcome, type Write } from "./writes.js"

/** What a store is made of. */
export interface StoreOptions {
  /** The PostgreSQL to use: a URL, or options of the driver. */
  connection: Connection
  /** Most connections at once, besides one or two that watch. */
  maxConnections: number
  /** How long a call waits for the database before it is UNAVAILABLE, in milliseconds. */
  timeoutMs: number
  /** Most chains kept in memory; 0: none. */
  cacheEntries: number
  /** How long a chain is served from memory, in milliseconds. */
  cacheMaxAgeMs: number
  /** Most writes that wait; one more is OVERLOADED. */
  maxWaitingWrites: number
  /** Told when the database goes and comes back, and what it says by itself. */
  onEvent: OnEvent
}

/**
 * The registry in PostgreSQL, with the cache of chains in front. Everything throws RegistryError where the contract has a
 * reason.
 */
export interface Store {
  /** Brings the schema up to date; waits for the database for up to `waitMs`. Gives the names of the steps taken. */
  migrate(waitMs: number): Promise<string[]>
  /** A chain as it is served, from memory where that is fresh; null: none is stored. */
  getChain(agentId: string): Promise<ServedChain | null> | ServedChain | null
  /** Those of these agents without a chain who are gone for good or revoked. Never from memory: it is asked for the missing. */
  goneAgents(agentIds: string[]): Promise<Set<string>>
  /** The row as it is stored now, never from memory, and what the history tells of it. */
  readWithHistory(agentId: string): Promise<ChainWithHistory>
  /** Makes a change; it is durable and in the history when this resolves with an outcome that says so. */
  write(write: Write): Promise<Outcome>
  /** Forgets what is in memory of these: it turned out to be old. */
  forget(stale: Depends): void
  /** A page of chains. */
  listChains(query: PageQuery): Promise<{ rows: ChainRow[]; more: boolean }>
  /** How many chains match, at a moment in microseconds since 1970. */
  countChains(filter: ChainFilter | undefined, now: bigint): Promise<bigint>
  /** The authorities. */
  readonly authorities: AuthorityStore
  /** Whether the database is there. */
  readonly monitor: Monitor
  /** Ends all connections. */
  close(graceMs: number): Promise<void>
}

/** Most keys of one read, and most such reads at once. */
const READ_KEYS = 100
const READS_AT_ONCE = 2
/** Callers that wait for a read; far beyond what a process can serve. */
const MAX_WAITING_READS = 100_000

/** Opens a store; nothing is read before `migrate`. */
export function createStore(options: StoreOptions): Store {
  const database = openDatabase(options)
  const readRow = createBatches<string, ServedRow | undefined>({
    run: async (agentIds) => {
      const rows = await database.run((sql) => readChains(sql, agentIds))
      const byAgent = new Map(rows.map((row) => [row.agent_id, row]))
      return agentIds.map((agentId) => byAgent.get(agentId))
    },
    keyOf: (agentId) => agentId,
    sizeOf: () => 0,
    maxItems: READ_KEYS,
    maxBytes: Number.POSITIVE_INFINITY,
    atOnce: READS_AT_ONCE,
    maxWaiting: MAX_WAITING_READS,
    maxWaitingBytes: Number.POSITIVE_INFINITY,
    full: () => databaseUnavailable(`${MAX_WAITING_READS} reads are waiting already`),
    failsAll: isUnavailable,
  })
  const { cacheEntries, cacheMaxAgeMs } = options
  const readChain = async (agentId: string) => {
    const row = await readRow(agentId)
    return row ? servedChain(row) : null
  }
  const cache = createCache(cacheEntries, cacheMaxAgeMs, readChain, ({ bytes }) => bytes.length)
  const authorities = createAuthorityStore(database, cacheEntries, cacheMaxAgeMs)
  const write = createWrites(database, options.maxWaitingWrites, cache.invalidate)
  return {
    migrate: (waitMs) => migrateWhenReachable(options, waitMs),
    getChain: cache.get,
    goneAgents: (agentIds) => database.run((sql) => readGone(sql, agentIds, nowMicros())),
    readWithHistory: (agentId) => database.scan((sql) => readWithHistory(sql, agentId)),
    write,
    listChains: (query) => database.scan((sql) => listChains(sql, query)),
    countChains: (filter, now) => database.scan((sql) => countChains(sql, filter, now)),
    forget: ({ chains, authorities: ids }) => {
      cache.invalidate(Object.keys(chains))
      authorities.forget(Object.keys(ids))
    },
    authorities,
    monitor: database.monitor,
    close: database.close,
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
