/** A delegation with a link to its parent; an empty parent id means none. */
export type LinkedDelegation = { id: string; parentDelegationId?: string | undefined }

/** Delegations form a cycle. */
export class DelegationCycleError extends Error {
  override readonly name = "DelegationCycleError"
  readonly cyclePath: readonly string[]

  /** Takes the ids along the cycle, up to the first repeated one. */
  constructor(cyclePath: readonly string[]) {
    super(`Delegation cycle detected: ${cyclePath.join(" -> ")}`)
    this.cyclePath = cyclePath
  }
}

/** A path of delegations is longer than allowed. */
export class DelegationDepthError extends Error {
  override readonly name = "DelegationDepthError"
}

/**
 * The delegations from the root to the first leaf (EATP's get_delegation_chain). A leaf is nobody's parent; the path
 * ends at a missing parent. Of delegations with the same id, the last one is the parent. Ignores other leaves: see
 * {@link delegationProblems}.
 *
 * @throws DelegationCycleError, and DelegationDepthError beyond maxDepth.
 */
export function delegationChain<Link extends LinkedDelegation>(
  delegations: readonly Link[],
  maxDepth = 100,
): Link[] {
  const parents = new Set(delegations.map((link) => link.parentDelegationId).filter(Boolean))
  const leaf = delegations.find((link) => !parents.has(link.id))
  if (leaf !== undefined) return pathTo(leaf, byId(delegations), maxDepth).reverse()
  const first = delegations[0]
  if (first !== undefined && delegations.every((link) => link.parentDelegationId)) {
    pathTo(first, byId(delegations), Number.POSITIVE_INFINITY)
  }
  return [...delegations]
}

/** A problem in how a chain's delegations are linked. */
export type DelegationProblem = {
  /** The index of the delegation in the list. */
  index: number
  kind: "cycle" | "depth" | "dangling_parent"
  description: string
}

/**
 * All problems in how a chain's delegations are linked: cycles, paths longer than maxDepth and missing parents, from
 * every leaf, while EATP checks the first only. Takes time linear in the number of delegations.
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

function pathTo<Link extends LinkedDelegation>(
  leaf: Link,
  links: Map<string, Link>,
  maxDepth: number,
): Link[] {
  const path: Link[] = []
  const seen = new Set<string>()
  for (let at: Link | undefined = leaf; at !== undefined; at = parentOf(at, links)) {
    if (seen.has(at.id)) throw new DelegationCycleError([...path.map(({ id }) => id), at.id])
    if (path.length >= maxDepth) {
      throw new DelegationDepthError(`Delegation chain exceeds maximum depth of ${maxDepth}`)
    }
    seen.add(at.id)
    path.push(at)
  }
  return path
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
        description: `The parent of delegation ${id} is missing: ${parent}`,
      },
    ]
  }
  const depth = depthOf(link, links, depths)
  if (depth === undefined)
    return [{ index, kind: "cycle", description: `Delegation ${id} is part of a cycle, or below one` }]
  if (depth <= maxDepth) return []
  return [{ index, kind: "depth", description: `Delegation ${id} is at depth ${depth}, beyond ${maxDepth}` }]
}

// Links on or below a cycle have depth Infinity, so that each link is visited once.
function depthOf(
  link: LinkedDelegation,
  links: Map<string, LinkedDelegation>,
  depths: Map<LinkedDelegation, number>,
): number | undefined {
  const path: LinkedDelegation[] = []
  const seen = new Set<LinkedDelegation>()
  let at: LinkedDelegation | undefined = link
  while (at !== undefined && !depths.has(at) && !seen.has(at)) {
    seen.add(at)
    path.push(at)
    at = parentOf(at, links)
  }
  let depth = at === undefined ? 0 : (depths.get(at) ?? Number.POSITIVE_INFINITY)
  for (const passed of path.reverse()) depths.set(passed, ++depth)
  const found = depths.get(link)
  return found === Number.POSITIVE_INFINITY ? undefined : found
}
