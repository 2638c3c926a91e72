import {
  type AuthorityBefore,
  type AuthorityOutcome,
  type AuthorityPage,
  type AuthorityWrite,
  listAuthorities,
  readAuthority,
  readAuthorityBefore,
  writeAuthority,
} from "./authorities.js"
import type { AuthorityRow } from "./authorityRows.js"
import type { Database } from "./database.js"

/** The authorities in PostgreSQL, never from memory. */
export interface AuthorityStore {
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
export function createAuthorityStore(database: Database): AuthorityStore {
  return {
    read: (authorityId) => database.run((sql) => readAuthority(sql, authorityId)),
    readBefore: (authorityId, requestId) =>
      database.run((sql) => readAuthorityBefore(sql, authorityId, requestId)),
    write: (write) => database.run((sql) => writeAuthority(sql, write)),
    list: (page) => database.scan((sql) => listAuthorities(sql, page)),
  }
}
