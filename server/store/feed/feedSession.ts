import { within } from "../../async/deadline.js"
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
      const watched = watchedSql(sql)
      const late = () => {
        // Behind a table that is locked by hand it would run on for as long as the lock is held.
        const query = watched.last()
        if (query && isUnanswered(query)) void cancel(query).catch(() => undefined)
        throw new Error("the database did not answer in time")
      }
      return await within(statement(watched.sql), { ms, late })
    },
    end: async () => {
      ended = true
      await sql.end({ timeout: 0 }).catch(() => undefined)
    },
  }
}
