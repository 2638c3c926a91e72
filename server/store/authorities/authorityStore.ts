import { type CacheState, createCache, followFeed } from "../cache/cache.js"
import type { Database } from "../database/database.js"
import { createReads } from "../database/reads.js"
import type { Feed } from "../feed/feed.js"
import type { AuthorityRow } from "../rows/authorityRows.js"
import { type StoredSigner, signerOf } from "../rows/signer.js"
import {
  type AuthorityBefore,
  type AuthorityOutcome,
  type AuthorityPage,
  type AuthorityWrite,
  listAuthorities,
  readAuthorities,
  readAuthority,
  readAuthorityBefore,
  writeAuthority,
} from "./authorities.js"
import { type DocumentPage, listDocuments } from "./documents.js"

/** The authorities in PostgreSQL. Only `get` answers from memory. */
export interface AuthorityStore {
  /** The authority as a signer, from memory while that is fresh; null if none is stored. */
  get(authorityId: string): Promise<StoredSigner | null> | StoredSigner | null
  /** Like `get`, but by a database read that starts now. Memory keeps what it finds. */
  renew(authorityId: string, signal?: AbortSignal): Promise<StoredSigner | null>
  /** The authority from memory while that is fresh; undefined if it is not there. */
  peek(authorityId: string): StoredSigner | null | undefined
  /** The time by the clock of the database, in microseconds since 1970. */
  now(): bigint
  /** Drops these authorities from memory. */
  forget(authorityIds: Iterable<string>): void
  /** Size and hit counts of the cache. */
  readonly cache: CacheState
  /** The row as it is stored now. */
  read(authorityId: string): Promise<AuthorityRow | undefined>
  /** The row as it is stored now, and what the request id did before. */
  readBefore(authorityId: string, requestId: string): Promise<AuthorityBefore>
  /** Makes a change. It is durable and in the history once this resolves with an outcome that accepts it. */
  write(write: AuthorityWrite): Promise<AuthorityOutcome>
  /** A page of authorities, and whether more follow. */
  list(page: AuthorityPage): Promise<{ rows: AuthorityRow[]; more: boolean }>
  /** A page of an authority's documents, and whether more follow. */
  documents(page: DocumentPage): Promise<{ rows: AuthorityRow[]; more: boolean }>
}

/** Opens the store of authorities, with a cache that follows the feed. They change rarely, so writes are not batched. */
export function createAuthorityStore(
  database: Database,
  feed: Feed,
  { cacheEntries, cacheMaxAgeMs }: { cacheEntries: number; cacheMaxAgeMs: number },
): AuthorityStore {
  const readRow = createReads<AuthorityRow>({
    read: (ids) => database.run((sql) => readAuthorities(sql, ids)),
    idOf: (row) => row.authority_id,
  })
  const cache = createCache<StoredSigner>({
    entries: cacheEntries,
    maxAgeMs: cacheMaxAgeMs,
    feed,
    read: async (authorityId, reading) => {
      const row = await readRow(authorityId, reading)
      return row ? signerOf(row) : null
    },
    bytesOf: () => 0,
  })
  followFeed(cache, feed, "authority")
  return {
    now: database.monitor.now,
    get: cache.get,
    renew: cache.renew,
    peek: cache.peek,
    forget: cache.invalidate,
    cache: cache.state,
    read: (authorityId) => database.run((sql) => readAuthority(sql, authorityId)),
    readBefore: (authorityId, requestId) =>
      database.run((sql) => readAuthorityBefore(sql, authorityId, requestId)),
    write: (write) =>
      // Drops it after a failure too, because the transaction may have been committed.
      database
        .run((sql, notAfter) => writeAuthority(sql, write, notAfter))
        .finally(() => cache.invalidate([write.authorityId])),
    list: (page) => database.scan((sql) => listAuthorities(sql, page)),
    documents: (page) => database.scan((sql) => listDocuments(sql, page)),
  }
}
