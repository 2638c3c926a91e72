import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Sql } from "./sql.js"

/*
 * All our uses of what postgres.js does not document, and why there are any:
 *
 * - A query that fails after its first rows leaves their count behind, and the next answer on that connection begins with that many
 *   holes: one writer would get the outcome of another. https://github.com/porsager/postgres/issues/1119, /issues/1181
 *   So `resolve` is wrapped, and an answer with holes is an error.
 * - A connection that is cut while the driver writes may never write again, and its queries never end; and a write scheduled before
 *   the cut throws where nobody can catch it. https://github.com/porsager/postgres/issues/1208, /issues/1089
 *   So `active` tells whether a query is still with PostgreSQL, and then its pool is replaced. No statement runs in `sql.begin` while
 *   serving, because `begin` writes its rollback to the closed socket.
 * - `query.cancel()` drops the promise of the cancel request, so that a failed one is an unhandled rejection.
 *   So `canceller`, which returns it, is called directly.
 * - `sql.listen` listens again once after its connection was lost, and never again if that fails.
 *   So the feed sends its own LISTEN and hears notifications by the option `onnotify`.
 */

/** The version of postgres.js that these uses were tested with; package.json pins it. */
const TESTED_VERSION = "3.4.9"

/** A query of postgres.js, with the fields that its types leave out. */
export interface Query {
  active: boolean
  canceller: ((query: Query) => Promise<void>) | null
  resolve: (rows: unknown[]) => void
  reject: (error: Error) => void
}

/** Throws an Error if the driver lacks any internal that this file uses. It sends nothing to PostgreSQL. */
export function assureDriver(sql: Sql): void {
  // A query is sent when somebody awaits it, and nobody awaits this one.
  const query = sql`select` as unknown as { [Field in keyof Query]?: unknown }
  const there: Record<keyof Query | "onnotify", boolean> = {
    active: query.active === false,
    canceller: typeof query.canceller === "function",
    resolve: typeof query.resolve === "function",
    reject: typeof query.reject === "function",
    onnotify: "onnotify" in sql.options,
  }
  const missing = Object.entries(there).flatMap(([name, found]) => (found ? [] : [name]))
  if (missing.length > 0)
    throw new Error(
      `postgres.js ${installedVersion()} lacks internals that this server uses (${missing.join(", ")}): ` +
        `it was tested with postgres.js ${TESTED_VERSION}, install that version`,
    )
}

function installedVersion(): string {
  // Of its CommonJS build; its exports leave out the manifest itself.
  const entry = createRequire(import.meta.url).resolve("postgres")
  const manifest = join(dirname(entry), "..", "..", "package.json")
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string }
  return version
}

/**
 * The same driver, but an answer with holes fails with {@link SPARSE}; and the query that was made last, which is the statement,
 * because fragments are made before the query they are part of.
 */
export function watchedSql(sql: Sql): { sql: Sql; last: () => Query | undefined } {
  let last: Query | undefined
  const watched = new Proxy(sql, {
    apply: (target, self, parts) => {
      const made = Reflect.apply(target, self, parts)
      if (Array.isArray(parts[0]?.raw)) {
        last = made as unknown as Query
        refuseSparse(last)
      }
      return made
    },
  })
  return { sql: watched, last: () => last }
}

function refuseSparse(query: Query) {
  const { resolve, reject } = query
  query.resolve = (rows) => {
    if (rows.length === 0 || 0 in rows) resolve(rows)
    else reject(Object.assign(new Error("the driver mixed up the rows of two answers"), { code: SPARSE }))
  }
}

/** The code of the error for an answer with holes. */
export const SPARSE = "SPARSE_ANSWER"

/** The code of the error for an answer to another question. */
export const MIXED = "MIXED_ANSWER"

/** Asks PostgreSQL to cancel a query, over a connection of its own. Rejects if the request cannot be sent. */
export async function cancel(query: Query): Promise<void> {
  await query.canceller?.(query)
}

/** Whether PostgreSQL has the query and has not answered it. */
export function isUnanswered({ active }: Query): boolean {
  return active
}
