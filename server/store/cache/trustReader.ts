import type { StoredSigner } from "../authorities/signer.js"
import type { ServedChain } from "../chains/servedChain.js"

/** What trust is judged by, as some reader knows it: memory, the database now, or history. */
export interface TrustReader {
  /** A chain; null: none is stored. */
  getChain(agentId: string): Promise<ServedChain | null> | ServedChain | null
  /** The signer that an authority is; null: none is stored. */
  getAuthority(authorityId: string): Promise<StoredSigner | null> | StoredSigner | null
  /** Those of these agents without a chain who are gone for good or revoked. Never from memory: it is asked for the missing. */
  goneAgents(agentIds: string[]): Promise<Set<string>>
  /** When each signature in the chain of an agent was first stored, in microseconds since 1970; always from history. */
  firstStored(agentId: string): Promise<Map<string, bigint>>
}

/** A reader for one call: each id is read once in it, from the database, by a read that begins after the call did. */
export function strongReader(
  readChain: (agentId: string) => Promise<ServedChain | null>,
  readAuthority: (authorityId: string) => Promise<StoredSigner | null>,
  others: Pick<TrustReader, "goneAgents" | "firstStored">,
): TrustReader {
  return { getChain: once(readChain), getAuthority: once(readAuthority), ...others }
}

/** Reads each id once, whoever asks for it again. */
export function once<Found>(read: (id: string) => Promise<Found>): (id: string) => Promise<Found> {
  const answers = new Map<string, Promise<Found>>()
  return (id) => {
    const answer = answers.get(id) ?? read(id)
    answers.set(id, answer)
    return answer
  }
}
