import type { DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { atOnce, inTurns } from "../turns/turns.js"

/** EATP's limit on the number of hops from the first delegator to an agent. */
export const MAX_DELEGATION_DEPTH = 10

/** The delegators above an agent. */
export type Lineage = {
  /** The number of hops on the longest path down to the agent; 0 if nobody delegated to it. */
  depth: number
  /** All agents above, whether or not their chains are known. */
  ancestors: ReadonlySet<string>
  /** A cycle above the agent, as agent ids with the first repeated at the end; unset if none. */
  cycle?: string[]
}

/**
 * Walks up from an agent through the delegators in its chain, those in their chains, and so on, as far as chains are
 * known. Depth counts agents, since EATP's reference implementation links no delegation to one in another chain. Takes
 * time linear in the number of delegations.
 */
export function lineageOf(agentId: string, chainOf: ChainOf): Lineage {
  return atOnce(lineageSteps(agentId, chainOf))
}

/** The same, in turns with other work: there may be a hundred thousand delegations above an agent. */
export function lineageInTurns(agentId: string, chainOf: ChainOf): Lineage | Promise<Lineage> {
  return inTurns(lineageSteps(agentId, chainOf))
}

type ChainOf = (agentId: string) => TrustLineageChain | undefined

const LOOKS_PER_STEP = 256

// Yields after some hundred delegations.
function* lineageSteps(agentId: string, chainOf: ChainOf): Generator<void, Lineage> {
  const depths = new Map<string, number>()
  const path: Step[] = [step(agentId, chainOf)]
  const onPath = new Set([agentId])
  let looks = 0
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const delegator = top.delegations[top.next++]?.delegatorId
    if (delegator === undefined) {
      path.pop()
      onPath.delete(top.agentId)
      depths.set(top.agentId, top.depth)
      raise(path.at(-1), top.depth)
      looks += top.next
      if (looks >= LOOKS_PER_STEP) {
        looks = 0
        yield
      }
    } else if (onPath.has(delegator)) {
      const ids = path.map((passed) => passed.agentId)
      return { depth: Number.POSITIVE_INFINITY, ancestors: new Set(ids), cycle: cycleOf(ids, delegator) }
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

type Step = { agentId: string; delegations: readonly DelegationRecord[]; next: number; depth: number }

function step(agentId: string, chainOf: ChainOf): Step {
  return { agentId, delegations: chainOf(agentId)?.delegations ?? [], next: 0, depth: 0 }
}

function raise(below: Step | undefined, depth: number): void {
  if (below !== undefined) below.depth = Math.max(below.depth, depth + 1)
}

// The path leads up; a cycle is given downwards, from delegator to delegatee.
function cycleOf(ids: string[], repeated: string): string[] {
  return [...ids.slice(ids.indexOf(repeated)), repeated].reverse()
}
