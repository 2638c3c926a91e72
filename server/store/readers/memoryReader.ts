import type { AuthorityStore } from "../authorities/authorityStore.js"
import type { ChainStore } from "../chains/chainStore.js"
import type { Depends } from "../chains/writes.js"
import type { HistoryStore } from "../history/historyStore.js"
import type { TrustReader } from "./trustReader.js"

/** A reader that answers from memory while memory is fresh, and from the database otherwise. */
export interface MemoryReader extends TrustReader {
  /** The time by the clock of the database, in microseconds since 1970. */
  now(): bigint
  /** Drops these rows from memory, because they turned out to be stale. */
  forget(stale: Depends): void
}

/** The reader over the caches; all calls share it. */
export function memoryReader(
  chains: ChainStore,
  authorities: AuthorityStore,
  history: HistoryStore,
  now: () => bigint,
): MemoryReader {
  return {
    now,
    getChain: chains.get,
    getAuthority: authorities.get,
    goneAgents: chains.gone,
    firstStored: history.firstStored,
    forget: (stale) => {
      chains.forget(stale.chains.keys())
      authorities.forget(stale.authorities.keys())
    },
  }
}
