import { parseJson } from "@trust-registry/eatp"
import type { ChainFilter } from "@trust-registry/proto"
import type { Database } from "../database/database.js"
import type { Feed } from "../feed/feed.js"
import { currentPiece } from "./event.js"
import { assureJsonb, readCurrent, readEnds, readEvents, readEventsOf } from "./eventRows.js"
import { listRevisions, type RevisionsPage, type RevisionsQuery } from "./history.js"
import { type Matcher, matcherOf } from "./matcher.js"
import { createTail, type Tail } from "./tail.js"

/** A chain that stands now, encoded as an event. */
export interface CurrentPiece {
  /** Of its last change. */
  revision: bigint
  bytes: Buffer
}

/** What stands at one moment. */
export interface Current {
  /** The newest revision then: what changed later is not in it. */
  head: bigint
  /** The chains, or their records alone, in the order of their last changes, some at a time; only their revisions are held meanwhile. */
  pieces(chains: boolean): AsyncGenerator<CurrentPiece[]>
}

/** The history of chains, for those who page through it and for those who follow it. */
export interface HistoryStore {
  /** A page of the changes of an agent's chain. */
  listRevisions(query: RevisionsQuery): Promise<RevisionsPage>
  /** From which revision on the history is whole, and the newest revision of all. */
  ends(): Promise<{ oldest: bigint; newest: bigint }>
  /** The filter as a question to single changes; throws what PostgreSQL says of metadata that JSONB cannot hold. */
  matcher(filter: ChainFilter | undefined): Promise<Matcher>
  /** The chains that match now; those that have expired by `now`, in microseconds since 1970, are left out as lists do. */
  current(filter: ChainFilter | undefined, now: bigint): Promise<Current>
  /** The changes as they come. */
  readonly tail: Tail
}

/** How many chains of the current state are asked for at once, and how many bytes of them as JSON text are held. */
const CURRENT_CHAINS = 256
const CURRENT_BYTES = 256 * 1024
const REVISION_BYTES = 8

/** The history in a database, its tail behind a feed. */
export function createHistoryStore(database: Database, feed: Feed): HistoryStore {
  async function* pieces(revisions: Buffer, chains: boolean) {
    const count = revisions.length / REVISION_BYTES
    for (let done = 0; done < count; ) {
      const asked = Array.from({ length: Math.min(CURRENT_CHAINS, count - done) }, (_, index) =>
        revisions.readBigInt64BE((done + index) * REVISION_BYTES),
      )
      const { rows, taken } = await database.scan((sql) => readEventsOf(sql, asked, CURRENT_BYTES))
      done += taken
      // What was removed for good meanwhile has no document any more; that it was removed is told afterwards.
      const kept = rows.filter(({ chain_data }) => chain_data !== null)
      yield kept.map((row) => ({ revision: row.revision, bytes: currentPiece(row, chains) }))
    }
  }
  return {
    listRevisions: (query) => database.scan((sql) => listRevisions(sql, query)),
    ends: () => database.run((sql) => readEnds(sql)),
    matcher: async (filter) => {
      const text = filter?.metadataContainsJson
      if (!text) return matcherOf(filter, undefined)
      await database.run((sql) => assureJsonb(sql, text))
      return matcherOf(filter, parseJson(text))
    },
    current: async (filter, now) => {
      const { head, revisions } = await database.scan((sql) => readCurrent(sql, filter, now))
      return { head, pieces: (chains) => pieces(revisions, chains) }
    },
    tail: createTail(feed, (query) => database.scan((sql) => readEvents(sql, query))),
  }
}
