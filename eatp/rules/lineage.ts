import type { TrustLineageChain } from "@trust-registry/proto"

/** EATP's limit on how many hops trust may flow down. */
export const MAX_DELEGATION_DEPTH = 10

/** How an agent's trust came down through those who delegated to it. */
export type Lineage = {
  /** Hops of the longest way down to the agent: 0 for one to whom nobody delegated. */
  depth: number
  /** Everybody above the agent, whose chain is at hand or not. */
  ancestors: ReadonlySet<string>
  /** A circle on the way, as agent ids with the first repeated at the end; unset: none. */
  cycle?: string[]
}

/**
 * Walks up from an agent through the delegators of its chain, of their chains, and so on, as far as chains
 * are found. Depth counts agents, since EATP's reference implementation links no delegation to one in another
 * chain. Linear in the number of delegations passed.
 */
export function lineageOf(
  agentId: string,
  chainOf: (agentId: string) => TrustLineageChain | undefined,
): Lineage {
  const depths = new Map<string, number>()
  const path: Step[] = [step(agentId, chainOf)]
  const onPath = new Set([agentId])
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const delegator = top.delegators[top.next++]
    if (delegator === undefined) {
      path.pop()
      onPath.delete(top.agentId)
      depths.set(top.agentId, top.depth)
      raise(path.at(-1), top.depth)
    } else if (onPath.has(delegator)) {
      const ids = path.map((passed) => passed.agentId)
      return { depth: Number.POSITIVE_INFINITY, ancestors: new Set(ids), cycle: circle(ids, delegator) }
    } else {
      const known = depths.get(delegator)
      if (known !== undefined) raise(top, known)
      else {
        path.push(step(delegator, chainOf))
        onPath.add(delegator)
      }
    }
  }
  const depth = depths.get(agentId) ?? 0
  depths.delete(agentId)
  return { depth, ancestors: new Set(depths.keys()) }
}

type Step = { agentId: string; delegators: string[]; next: number; depth: number }

function step(agentId: string, chainOf: (agentId: string) => TrustLineageChain | undefined): Step {
  const delegators = new Set(chainOf(agentId)?.delegations.map(({ delegatorId }) => delegatorId))
  return { agentId, delegators: [...delegators], next: 0, depth: 0 }
}

function raise(below: Step | undefined, depth: number): void {
  if (below !== undefined) below.depth = Math.max(below.depth, depth + 1)
}

// The path leads upwards; a circle is told downwards, as trust flows.
function circle(ids: string[], repeated: string): string[] {
  return [...ids.slice(ids.indexOf(repeated)), repeated].reverse()
}
