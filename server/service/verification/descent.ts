import {
  type AgentRevocations,
  inTurns,
  isEffective,
  type PlacedChain,
  type RevokedOrigin,
  revokedDescendants,
} from "@trust-registry/eatp"
import type { ServedChain } from "../../store/rows/servedChain.js"

/**
 * Adds what large cascades of delegations and capabilities have still to revoke in these chains, as if they had: such a cascade counts
 * from its root's revision on. Those of agents need no addition, because a revoked delegator denies what descends.
 *
 * @param nowMicros the time at which graceful revocations are judged, in microseconds since 1970
 */
export async function addDescendants(
  revocations: Map<string, AgentRevocations>,
  served: ReadonlyMap<string, ServedChain>,
  nowMicros: bigint,
): Promise<void> {
  const origins = [...served].flatMap(([agentId, chain]) => originsIn(agentId, chain, nowMicros))
  // Mostly there are none.
  if (origins.length === 0) return
  for (const [agentId, found] of await inTurns(revokedDescendants(origins, placed(served.values())))) {
    const { delegations = [], capabilities = [], ...known } = revocations.get(agentId) ?? {}
    revocations.set(agentId, {
      ...known,
      delegations: new Set([...delegations, ...found.delegations]),
      capabilities: new Set([...capabilities, ...found.capabilities]),
    })
  }
}

function originsIn(agentId: string, { revocations }: ServedChain, nowMicros: bigint): RevokedOrigin[] {
  return revocations.flatMap(({ kind, from, names, since }) =>
    names && since !== undefined && isEffective(BigInt(from ?? 0), nowMicros)
      ? [{ kind: kind === "delegation" ? "DELEGATION" : "CAPABILITY", agentId, names, since: BigInt(since) }]
      : [],
  )
}

function* placed(served: Iterable<ServedChain>): Iterable<PlacedChain> {
  for (const one of served) yield { chain: one.chain(), stored: one.documentRevision }
}
