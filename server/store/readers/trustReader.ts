import type { ServedChain } from "../rows/servedChain.js"
import type { StoredSigner } from "../rows/signer.js"

/** Reads everything that verification needs. Its three readers answer from memory, from the database, or from history. */
export interface TrustReader {
  /** A chain; null if none is stored. */
  getChain(agentId: string): Promise<ServedChain | null> | ServedChain | null
  /** An authority as a signer; null if none is stored. */
  getAuthority(authorityId: string): Promise<StoredSigner | null> | StoredSigner | null
  /** Those of these agents that have no chain and are known to be purged or revoked. Always reads the database. */
  goneAgents(agentIds: string[]): Promise<Set<string>>
  /** When each signature in an agent's chain was first stored, in microseconds since 1970. Always reads the history. */
  firstStored(agentId: string): Promise<Map<string, bigint>>
}
