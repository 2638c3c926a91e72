import { setMaxListeners } from "node:events"
import type { AuthorityStore } from "../authorities/authorityStore.js"
import type { ChainStore } from "../chains/chainStore.js"
import type { HistoryStore } from "../history/historyStore.js"
import { memoize } from "./memoize.js"
import type { TrustReader } from "./trustReader.js"

/**
 * A reader that reads each id from the database once, never from memory. Every read starts after the reader was made, unless the
 * signal aborts before. The caches keep what it finds.
 */
export function strongReader(
  chains: ChainStore,
  authorities: AuthorityStore,
  history: HistoryStore,
  signal: AbortSignal,
): TrustReader {
  // Each read adds a listener.
  setMaxListeners(0, signal)
  return {
    getChain: memoize((agentId) => chains.renew(agentId, signal)),
    getAuthority: memoize((authorityId) => authorities.renew(authorityId, signal)),
    goneAgents: chains.gone,
    firstStored: history.firstStored,
  }
}
