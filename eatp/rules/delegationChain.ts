/** A delegation as its order in a chain sees it; an empty parent is none. */
export type LinkedDelegation = { id: string; parentDelegationId?: string | undefined }

/** Delegations that name one another in a circle; the path ends where it began to repeat. */
export class DelegationCycleError extends Error {
  override readonly name = "DelegationCycleError"
  readonly cyclePath: readonly string[]

  /** Takes the ids along the circle. */
  constructor(cyclePath: readonly string[]) {
    super(`Delegation cycle detected: ${cyclePath.join(" -> ")}`)
    this.cyclePath = cyclePath
  }
}

/** A way of delegations that is longer than it may be. */
export class DelegationDepthError extends Error {
  override readonly name = "DelegationDepthError"
}

/**
 * The delegations from the root to the first leaf (EATP's get_delegation_chain): a leaf is no one's parent; a
 * parent that is not there ends the way. Of delegations with one id the last counts as parent.
 *
 * @throws DelegationCycleError, and DelegationDepthError beyond maxDepth. Other leaves are not looked at: see
 * {@link delegationProblems}.
 */
export function delegationChain<Link extends LinkedDelegation>(
  delegations: readonly Link[],
  maxDepth = 100,
): Link[] {
  const parents = new Set(delegations.map((link) => link.parentDelegationId).filter(Boolean))
  const leaf = delegations.find((link) => !parents.has(link.id))
  if (leaf !== undefined) return wayTo(leaf, byId(delegations), maxDepth).reverse()
  const first = delegations[0]
  if (first !== undefined && delegations.every((link) => link.parentDelegationId)) {
    wayTo(first, byId(delegations), Number.POSITIVE_INFINITY)
  }
  return [...delegations]
}

/** One thing that is wrong with how a chain's delegations hang together. */
export type DelegationProblem = {
  /** The delegation's place in the list. */
  index: number
  kind: "cycle" | "depth" | "dangling_parent"
  description: string
}

/**
 * Everything wrong with how a chain's delegations hang together, over all leaves, where EATP looks at the
 * first only: circles, ways longer than maxDepth, and parents that are not there. Linear in their number.
 */
export function delegationProblems(
  delegations: readonly LinkedDelegation[],
  maxDepth = 10,
): DelegationProblem[] {
  const links = byId(delegations)
  const depths = new Map<LinkedDelegation, number>()
  return delegations.flatMap((link, index) => problemsOf(link, index, links, depths, maxDepth))
}

function byId<Link extends LinkedDelegation>(delegations: readonly Link[]): Map<string, Link> {
  return new Map(delegations.map((link) => [link.id, link]))
}

function wayTo<Link extends LinkedDelegation>(
  leaf: Link,
  links: Map<string, Link>,
  maxDepth: number,
): Link[] {
  const way: Link[] = []
  const seen = new Set<string>()
  for (let at: Link | undefined = leaf; at !== undefined; at = parentOf(at, links)) {
    if (seen.has(at.id)) throw new DelegationCycleError([...way.map(({ id }) => id), at.id])
    if (way.length >= maxDepth) {
      throw new DelegationDepthError(`Delegation chain exceeds maximum depth of ${maxDepth}`)
    }
    seen.add(at.id)
    way.push(at)
  }
  return way
}

function parentOf<Link extends LinkedDelegation>(link: Link, links: Map<string, Link>): Link | undefined {
  return link.parentDelegationId ? links.get(link.parentDelegationId) : undefined
}

function problemsOf(
  link: LinkedDelegation,
  index: number,
  links: Map<string, LinkedDelegation>,
  depths: Map<LinkedDelegation, number>,
  maxDepth: number,
): DelegationProblem[] {
  const { id, parentDelegationId: parent } = link
  if (parent && !links.has(parent)) {
    depths.set(link, 1)
    return [
      {
        index,
        kind: "dangling_parent",
        description: `Delegation ${id} has a parent that is not there: ${parent}`,
      },
    ]
  }
  const depth = depthOf(link, links, depths)
  if (depth === undefined)
    return [{ index, kind: "cycle", description: `Delegation ${id} is its own ancestor, or below one` }]
  if (depth <= maxDepth) return []
  return [{ index, kind: "depth", description: `Delegation ${id} is at depth ${depth}, beyond ${maxDepth}` }]
}

// Infinity is remembered for links on or below a circle, so that each link is walked once.
function depthOf(
  link: LinkedDelegation,
  links: Map<string, LinkedDelegation>,
  depths: Map<LinkedDelegation, number>,
): number | undefined {
  const way: LinkedDelegation[] = []
  const seen = new Set<LinkedDelegation>()
  let at: LinkedDelegation | undefined = link
  while (at !== undefined && !depths.has(at) && !seen.has(at)) {
    seen.add(at)
    way.push(at)
    at = parentOf(at, links)
  }
  let depth = at === undefined ? 0 : (depths.get(at) ?? Number.POSITIVE_INFINITY)
  for (const passed of way.reverse()) depths.set(passed, ++depth)
  const found = depths.get(link)
  return found === Number.POSITIVE_INFINITY ? undefined : found
}
