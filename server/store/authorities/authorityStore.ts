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

/** The authorities in PostgreSQL; only `get` answers from memory. */
export interface AuthorityStore {
  /** The signer that an authority is, from memory where that is fresh; null: none is stored. */
  get(authorityId: string): Promise<StoredSigner | null> | StoredSigner | null
  /** The same from the database, by a read that begins now. */
  renew(authorityId: string): Promise<StoredSigner | null>
  /** Forgets what is in memory of these. */
  forget(authorityIds: Iterable<string>): void
  /** How its memory does. */
  readonly cache: CacheState
  /** The row as it is stored now. */
  read(authorityId: string): Promise<AuthorityRow | undefined>
  /** The row as it is, and what was done under the request id before. */
  readBefore(authorityId: string, requestId: string): Promise<AuthorityBefore>
  /** Makes a change; it is durable and in the history when this resolves with an outcome that says so. */
  write(write: AuthorityWrite): Promise<AuthorityOutcome>
  /** A page of authorities. */
  list(page: AuthorityPage): Promise<{ rows: AuthorityRow[]; more: boolean }>
}

/** Authorities change rarely: each write is a round trip of its own. */
export function createAuthorityStore(
  database: Database,
  feed: Feed,
  { cacheEntries, cacheMaxAgeMs }: { cacheEntries: number; cacheMaxAgeMs: number },
): AuthorityStore {
  const readRow = createReads<AuthorityRow>(
    (ids) => database.run((sql) => readAuthorities(sql, ids)),
    (row) => row.authority_id,
  )
  const cache = createCache<StoredSigner>({
    entries: cacheEntries,
    maxAgeMs: cacheMaxAgeMs,
    feed,
    read: async (authorityId) => {
      const row = await readRow(authorityId)
      return row ? signerOf(row) : null
    },
    bytesOf: () => 0,
  })
  followFeed(cache, feed, "authority")
  return {
    get: cache.get,
    renew: cache.renew,
    forget: cache.invalidate,
    cache: cache.state,
    read: (authorityId) => database.run((sql) => readAuthority(sql, authorityId)),
    readBefore: (authorityId, requestId) =>
      database.run((sql) => readAuthorityBefore(sql, authorityId, requestId)),
    write: (write) =>
      // After a failure too: it may have been committed all the same.
      database
        .run((sql, notAfter) => writeAuthority(sql, write, notAfter))
        .finally(() => cache.invalidate([write.authorityId])),
    list: (page) => database.scan((sql) => listAuthorities(sql, page)),
  }
}
