import { mapInTurns, parseJson } from "@trust-registry/eatp"
import type { ChainFilter } from "@trust-registry/proto"
import type { Database } from "../database/database.js"
import { readNewestRevision } from "../feed/changes.js"
import type { Feed } from "../feed/feed.js"
import { type Matcher, matcherOf } from "../filter/matcher.js"
import { currentPiece } from "./event.js"
import { assureJsonb, readCurrent, readEnds, readEvents, readEventsOf } from "./eventRows.js"
import { readFirstStored, readVouched } from "./firstStored.js"
import { type RevisionMoment, readMoment, readOldestRevision } from "./historicalPoint.js"
import { listRevisions, type RevisionsPage, type RevisionsQuery } from "./revisions.js"
import { createTail, type Tail } from "./tail.js"

/** A chain of the current state, encoded as an event. */
export interface CurrentPiece {
  /** The revision of its last change. */
  revision: bigint
  bytes: Buffer
}

/** The current state at one moment. */
export interface Current {
  /** The newest revision at that moment; later changes are not included. */
  head: bigint
  /** The chains, or only their records, in batches in the order of their revisions. Only the revisions are held in memory. */
  pieces(chains: boolean, maxBytes?: number): AsyncGenerator<CurrentPiece[]>
}

/** The history of chains, to page through or to follow. */
export interface HistoryStore {
  /** The time by the clock of the database, in microseconds since 1970. */
  now(): bigint
  /** A page of the changes of an agent's chain. */
  listRevisions(query: RevisionsQuery): Promise<RevisionsPage>
  /** The oldest revision from which on the history is complete, and the newest revision of all. */
  ends(): Promise<{ oldest: bigint; newest: bigint }>
  /** When a revision was made. Throws REVISION_COMPACTED if the history no longer reaches back to it. */
  momentOf(revision: bigint): Promise<RevisionMoment>
  /** The newest revision that was assigned, even to a change that is not committed yet. */
  newestRevision(): Promise<bigint>
  /** The oldest revision from which on the history is complete. */
  oldestRevision(): Promise<bigint>
  /** When each signature in an agent's chain was first stored, in microseconds since 1970, as far as history is kept. */
  firstStored(agentId: string): Promise<Map<string, bigint>>
  /** The signatures of an agent's chain that a stored revision had which was VERIFIED, as far as history is kept. */
  vouched(agentId: string): Promise<Set<string>>
  /** The filter as a test of single changes. Throws PostgreSQL's error for metadata that JSONB cannot hold. */
  matcher(filter: ChainFilter | undefined): Promise<Matcher>
  /** The chains that match now. Like lists, it leaves out those that expired before `now`, in microseconds since 1970. */
  current(filter: ChainFilter | undefined, now: bigint): Promise<Current>
  /** Follows changes as they are made. */
  readonly tail: Tail
}

/** Most chains of the current state to read at once, and most bytes of their JSON text. */
const CURRENT_CHAINS = 256
const CURRENT_BYTES = 256 * 1024
const REVISION_BYTES = 8

/** Opens the history in a database, with a tail that follows the feed. */
export function createHistoryStore(database: Database, feed: Feed): HistoryStore {
  async function* pieces(revisions: Buffer, chains: boolean, maxBytes?: number) {
    const count = revisions.length / REVISION_BYTES
    for (let done = 0; done < count; ) {
      const asked = Array.from({ length: Math.min(CURRENT_CHAINS, count - done) }, (_, index) =>
        revisions.readBigInt64BE((done + index) * REVISION_BYTES),
      )
      const { rows, taken } = await database.scan((sql) => readEventsOf(sql, asked, CURRENT_BYTES))
      done += taken
      // A chain that was purged meanwhile has no document any more; the watch reports its purge later.
      const kept = rows.filter(({ chain_data }) => chain_data !== null)
      const pieceOf = (row: (typeof kept)[number]) => ({
        revision: row.revision,
        bytes: currentPiece(row, chains, maxBytes),
      })
      yield await mapInTurns(kept, pieceOf)
    }
  }
  return {
    listRevisions: (query) => database.scan((sql) => listRevisions(sql, query)),
    now: database.monitor.now,
    ends: () => database.run(readEnds),
    momentOf: (revision) => database.run((sql) => readMoment(sql, revision)),
    newestRevision: () => database.run(readNewestRevision),
    oldestRevision: () => database.run(readOldestRevision),
    firstStored: (agentId) => database.scan((sql) => readFirstStored(sql, agentId)),
    vouched: (agentId) => database.scan((sql) => readVouched(sql, agentId)),
    matcher: async (filter) => {
      const text = filter?.metadataContainsJson
      if (!text) return matcherOf(filter, undefined)
      await database.run((sql) => assureJsonb(sql, text))
      return matcherOf(filter, parseJson(text))
    },
    current: async (filter, now) => {
      const { head, revisions } = await database.scan((sql) => readCurrent(sql, filter, now))
      return { head, pieces: (chains, maxBytes) => pieces(revisions, chains, maxBytes) }
    },
    tail: createTail(feed, (query) => database.scan((sql) => readEvents(sql, query))),
  }
}
