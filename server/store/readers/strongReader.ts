import type { AuthorityStore } from "../authorities/authorityStore.js"
import type { ChainStore } from "../chains/chainStore.js"
import type { HistoryStore } from "../history/historyStore.js"
import { memoize } from "./memoize.js"
import type { TrustReader } from "./trustReader.js"

/**
 * A reader for one call that reads each id from the database once, never from memory. Every read starts after the reader
 * was made. The caches keep what it finds.
 */
export function strongReader(
  chains: ChainStore,
  authorities: AuthorityStore,
  history: HistoryStore,
): TrustReader {
  return {
    getChain: memoize(chains.renew),
    getAuthority: memoize(authorities.renew),
    goneAgents: chains.gone,
    firstStored: history.firstStored,
  }
}
