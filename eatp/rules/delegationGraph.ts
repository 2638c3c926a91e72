/** Who delegates to whom: agent ids. */
export type DelegationEdge = readonly [delegatorId: string, delegateeId: string]

/** A cycle of agents that delegate to one another, with the first agent repeated at the end; undefined if none. */
export function delegationCycle(edges: Iterable<DelegationEdge>): string[] | undefined {
  const delegates = neighbours(edges)
  const done = new Set<string>()
  for (const start of delegates.keys()) {
    const cycle = done.has(start) ? undefined : cycleFrom(start, delegates, done)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/**
 * Whether a new delegation keeps the graph free of cycles (EATP's validate_new_delegation): no agent delegates to itself,
 * nor to one from which it has trust, directly or indirectly. False for every delegation if the graph has a cycle already.
 */
export function mayDelegate(
  edges: Iterable<DelegationEdge>,
  [delegatorId, delegateeId]: DelegationEdge,
): boolean {
  if (delegatorId === delegateeId) return false
  return delegationCycle([...edges, [delegatorId, delegateeId]]) === undefined
}

/**
 * The agents that the revocation of an agent revokes: itself and all its direct and indirect delegatees, nearest first
 * (EATP's cascade). maxDepth bounds the number of hops; the registry's own cascade has no bound.
 */
export function cascade(
  edges: Iterable<DelegationEdge>,
  agentId: string,
  maxDepth = Number.POSITIVE_INFINITY,
): string[] {
  const delegates = neighbours(edges)
  const reached = new Set([agentId])
  let ring = [agentId]
  for (let depth = 0; depth < maxDepth && ring.length > 0; depth++) {
    ring = [...new Set(ring.flatMap((id) => delegates.get(id) ?? []))].filter((id) => !reached.has(id))
    for (const id of ring) reached.add(id)
  }
  return [...reached]
}

function neighbours(edges: Iterable<DelegationEdge>): Map<string, string[]> {
  const delegates = new Map<string, string[]>()
  for (const [from, to] of edges) {
    const known = delegates.get(from)
    if (known === undefined) delegates.set(from, [to])
    else known.push(to)
  }
  return delegates
}

// Depth first with a stack of our own: a path may be longer than the call stack.
function cycleFrom(start: string, delegates: Map<string, string[]>, done: Set<string>): string[] | undefined {
  const path: { id: string; next: number }[] = [{ id: start, next: 0 }]
  const onPath = new Set([start])
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const to = delegates.get(top.id)?.[top.next++]
    if (to === undefined) {
      path.pop()
      onPath.delete(top.id)
      done.add(top.id)
    } else if (onPath.has(to)) {
      return [...path.map(({ id }) => id).slice(path.findIndex(({ id }) => id === to)), to]
    } else if (!done.has(to)) {
      path.push({ id: to, next: 0 })
      onPath.add(to)
    }
  }
  return undefined
}
