import type { Sql } from "./sql.js"

/** A query that was asked, with what the driver keeps of it and its types do not tell. */
export interface Query {
  active: boolean
  canceller: ((query: Query) => Promise<void>) | null
  resolve: (rows: unknown[]) => void
  reject: (error: Error) => void
}

/** The same driver, its answers looked at, and the query that was asked last: pieces come before what they are part of. */
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

/**
 * Where a query fails after its first rows, the driver counts on from there in the next one of that connection: its
 * answer begins with holes, and one writer would get the outcome of another.
 */
function refuseSparse(query: Query) {
  const { resolve, reject } = query
  query.resolve = (rows) => {
    if (rows.length === 0 || 0 in rows) resolve(rows)
    else reject(Object.assign(new Error("the driver mixed up the rows of two answers"), { code: SPARSE }))
  }
}

/** The code of the error for an answer that cannot be trusted. */
export const SPARSE = "SPARSE_ANSWER"

/** Asks PostgreSQL to end a query, over a connection of its own. The driver's `cancel` lets nobody hear that it failed. */
export async function cancel(query: Query): Promise<void> {
  await query.canceller?.(query)
}

/** Whether a query is with PostgreSQL. */
export function isUnanswered({ active }: Query): boolean {
  return active
}
