import { within } from "../../async/deadline.js"
import { cancel, isUnanswered, watchedSql } from "../database/driverInternals.js"
import { type Connection, openPool, type Sql } from "../database/sql.js"

/** A connection that is notified of changes and reads them. */
export interface FeedSession {
  /** Runs a statement. Throws after `ms` milliseconds without an answer; the session is unusable after it throws. */
  read<T>(statement: (sql: Sql) => Promise<T>, ms: number): Promise<T>
  /** Ends it at once. */
  end(): Promise<void>
}

/** What a session reports besides answers. */
export interface SessionEvents {
  /** Called when somebody may have committed a change. */
  onHint(): void
  /** Called when the connection is lost. */
  onLost(): void
}

/**
 * Opens a session that listens for changes. Not with the driver's `listen`; see driverInternals.ts. If LISTEN is refused, for
 * example by a connection pooler, there are no hints.
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
  // It keeps the plan of its statement, which reads on from a revision: made while the history was short, it would read all of it.
  sql.unsafe("set enable_seqscan = off").catch(() => undefined)
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
