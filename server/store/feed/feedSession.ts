import { type Connection, openPool, type Sql } from "../database/sql.js"
import { cancel, isUnanswered, watchedSql } from "../database/watchedSql.js"

/** A connection that hears of changes and reads them. */
export interface FeedSession {
  /** Reads on it; throws after `ms` milliseconds without an answer. After a throw the session is of no more use. */
  read<T>(statement: (sql: Sql) => Promise<T>, ms: number): Promise<T>
  /** Ends it at once. */
  end(): Promise<void>
}

/** Told by a session what it cannot tell as an answer. */
export interface SessionEvents {
  /** Somebody committed a change. */
  onHint(): void
  /** The line was lost. */
  onLost(): void
}

/**
 * Opens a session that listens. Not with the driver's own `listen`: it tries once to listen again after a line was lost, and a
 * database that is not back by then is never listened to again. Where LISTEN is refused, by a pooler for one, there are no
 * hints.
 */
export function openFeedSession(connection: Connection, events: SessionEvents): FeedSession {
  let ended = false
  const live = (event: () => void) => () => {
    if (!ended) event()
  }
  const sql = openPool(connection, 1, () => undefined, {
    max_lifetime: null,
    onnotify: live(events.onHint),
    onclose: live(events.onLost),
  })
  sql.unsafe("listen trust_revisions").catch(() => undefined)
  return {
    read: async (statement, ms) => {
      let timer: NodeJS.Timeout | undefined
      const watched = watchedSql(sql)
      const late = new Promise<never>((_, reject) => {
        const giveUp = () => {
          reject(new Error("the database did not answer in time"))
          // Behind a table that is locked by hand, it would go on there for as long.
          const query = watched.last()
          if (query && isUnanswered(query)) void cancel(query).catch(() => undefined)
        }
        // A turn later: where this process itself was held up, the answer is there and only has to be read.
        timer = setTimeout(() => setImmediate(giveUp), ms)
      })
      const answer = statement(watched.sql)
      answer.catch(() => undefined)
      return await Promise.race([answer, late]).finally(() => clearTimeout(timer))
    },
    end: async () => {
      ended = true
      await sql.end({ timeout: 0 }).catch(() => undefined)
    },
  }
}
