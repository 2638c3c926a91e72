import type { AuthorityStore } from "../authorities/authorityStore.js"
import type { ChainStore } from "../chains/chainStore.js"
import type { Depends } from "../chains/writes.js"
import type { HistoryStore } from "../history/historyStore.js"
import type { TrustReader } from "./trustReader.js"

/** A reader that answers from memory while memory is fresh, and from the database otherwise. */
export interface MemoryReader extends TrustReader {
  /** Reads what is in memory; throws {@link NOT_IN_MEMORY} for anything else. */
  readonly kept: TrustReader
  /** The time by the clock of the database, in microseconds since 1970. */
  now(): bigint
  /** The signatures of an agent's chain that a stored revision had which was VERIFIED. Always reads the history. */
  vouched(agentId: string): Promise<ReadonlySet<string>>
  /** Drops these rows from memory, because they turned out to be stale. */
  forget(stale: Depends): void
}

/** Thrown by a reader that reads memory only. */
export const NOT_IN_MEMORY = new Error("not in memory")

/** The reader over the caches; all calls share it. */
export function memoryReader(
  chains: ChainStore,
  authorities: AuthorityStore,
  history: HistoryStore,
  now: () => bigint,
): MemoryReader {
  const elsewhere = () => {
    throw NOT_IN_MEMORY
  }
  return {
    now,
    kept: {
      getChain: (agentId) => keptOr(chains.peek(agentId)),
      getAuthority: (authorityId) => keptOr(authorities.peek(authorityId)),
      goneAgents: elsewhere,
      firstStored: elsewhere,
    },
    getChain: chains.get,
    getAuthority: authorities.get,
    goneAgents: chains.gone,
    firstStored: history.firstStored,
    vouched: history.vouched,
    forget: (stale) => {
      chains.forget(stale.chains.keys())
      authorities.forget(stale.authorities.keys())
    },
  }
}

function keptOr<Kept>(kept: Kept | undefined): Kept {
  if (kept === undefined) throw NOT_IN_MEMORY
  return kept
}
