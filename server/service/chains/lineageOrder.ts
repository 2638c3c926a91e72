import type { TrustLineageChain } from "@trust-registry/proto"

/** The agents that delegated to a chain directly. */
export function delegatorsIn(chain: TrustLineageChain | undefined): string[] {
  return chain ? chain.delegations.map(({ delegatorId }) => delegatorId) : []
}

/**
 * Runs work on chains concurrently, but each only after earlier work on the same agent and its direct delegators has settled.
 */
export function createLineageOrder() {
  const last = new Map<string, Promise<void>>()
  return <Answer>(chain: TrustLineageChain | undefined, work: () => Promise<Answer>): Promise<Answer> => {
    const agentId = chain?.genesis?.agentId ?? ""
    const before = [agentId, ...delegatorsIn(chain)].flatMap((id) => last.get(id) ?? [])
    const answer = before.length === 0 ? work() : Promise.all(before).then(work)
    if (agentId === "") return answer
    const ended = answer.then(nothing, nothing).then(() => {
      if (last.get(agentId) === ended) last.delete(agentId)
    })
    last.set(agentId, ended)
    return answer
  }
}

function nothing() {}

/**
 * The indexes of chains, delegators before their delegatees; chains of one agent keep their order. A cycle is broken at an
 * arbitrary point.
 */
export function delegatorsFirst(chains: readonly (TrustLineageChain | undefined)[]): number[] {
  const places = new Map<string, number[]>()
  chains.forEach((chain, place) => {
    const agentId = chain?.genesis?.agentId ?? ""
    const others = places.get(agentId)
    if (others) others.push(place)
    else places.set(agentId, [place])
  })
  // Reversed, because the walk pops from the end.
  const delegatorsOf = (place: number) =>
    delegatorsIn(chains[place])
      .flatMap((id) => places.get(id) ?? [])
      .reverse()
  const order: number[] = []
  const seen = new Set<number>()
  for (const root of chains.keys()) {
    // Not recursive: a thousand chains may form one path.
    const path = seen.has(root) ? [] : [{ place: root, delegators: delegatorsOf(root) }]
    seen.add(root)
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.delegators.pop()
      if (next === undefined) order.push((path.pop() as typeof top).place)
      else if (!seen.has(next)) {
        seen.add(next)
        path.push({ place: next, delegators: delegatorsOf(next) })
      }
    }
  }
  return order
}
