import type { CapabilityAttestation, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { runningDelegations } from "../rules/runningDelegations.js"
import type { Lookup, StoredTrust } from "./trustInput.js"

/** A record on the path from a capability up to its source, linked to the step below it. */
export type PathStep = CapabilityStep | DelegationStep

/** A capability of an agent. */
export type CapabilityStep = {
  kind: "CAPABILITY"
  /** The agent in whose chain it stands. */
  agentId: string
  chain: TrustLineageChain
  record: CapabilityAttestation
  /** The delegation that passes it on; unset for the capability at which the path starts. */
  below?: DelegationStep
}

/** A delegation of the capability below it. */
export type DelegationStep = {
  kind: "DELEGATION"
  agentId: string
  chain: TrustLineageChain
  record: DelegationRecord
  below: CapabilityStep
}

/**
 * Finds the steps directly above one: for a capability, its delegations; for a delegation, the delegator's
 * capabilities that cover what is delegated. Empty if the chain above is not known.
 */
export type StepsAbove = (step: PathStep) => PathStep[]

/** Finds steps in these chains. Indexes the records of each chain once. */
export function openSteps(chains: Lookup<StoredTrust>): StepsAbove {
  const delegations = perChain(({ delegations }) => byName(delegations))
  const covering = perChain(() => new Map<string, CapabilityAttestation[]>())
  const coveringOf = (chain: TrustLineageChain, name: string) => {
    const known = covering(chain)
    const found =
      known.get(name) ?? chain.capabilities.filter(({ capability }) => capabilityCovers(capability, name))
    known.set(name, found)
    return found
  }
  return (step) => {
    if (step.kind === "CAPABILITY") {
      const { agentId, chain } = step
      const found = delegations(chain).get(step.record.capability) ?? []
      return found.map((record) => ({ kind: "DELEGATION", agentId, chain, record, below: step }))
    }
    const agentId = step.record.delegatorId
    const chain = chains.get(agentId)?.chain
    if (chain?.genesis?.agentId !== agentId) return []
    const found = coveringOf(chain, step.below.record.capability)
    return found.map((record) => ({ kind: "CAPABILITY", agentId, chain, record, below: step }))
  }
}

// How many steps are given at once; others use the event loop after as many.
const SLICE = 32

/**
 * Walks up from a capability, level by level, so that a record is reached by the fewest hops. Gives slices of a level
 * and takes those of their steps above which to go on. Visits each record once, a delegation once for each name that
 * it delegates: linear in the number of records, even if delegations form a cycle.
 */
export function* walkUp(start: CapabilityStep, above: StepsAbove): Generator<PathStep[], void, PathStep[]> {
  const isNew = distinctNames(
    (step: PathStep) => step.record,
    (step) => (step.kind === "DELEGATION" ? nameOf(step) : ""),
  )
  // All delegations of one name to one delegator have the same steps above: a thousand of them need these once.
  const isNewBelow = {
    CAPABILITY: distinctNames(agentAbove, nameOf),
    DELEGATION: distinctNames(agentAbove, nameOf),
  }
  let level: PathStep[] = [start].filter(isNew)
  while (level.length > 0) {
    const next: PathStep[] = []
    for (let at = 0; at < level.length; at += SLICE)
      for (const step of yield level.slice(at, at + SLICE))
        if (isNewBelow[step.kind](step)) next.push(...above(step).filter(isNew))
    level = next
  }
}

/** The steps from one at the top down to the start of the path. */
export function stepsDown(top: PathStep): PathStep[] {
  const steps: PathStep[] = []
  for (let step: PathStep | undefined = top; step !== undefined; step = step.below) steps.push(step)
  return steps
}

/** Says which delegations run; looks through each chain once. */
export function runningSteps(nowMicros: bigint): (step: DelegationStep) => boolean {
  const runs = perChain(({ delegations }) => runningDelegations(delegations, nowMicros))
  return ({ chain, record }) => runs(chain)(record)
}

// The name that is passed on at a step.
function nameOf(step: PathStep): string {
  return step.kind === "DELEGATION" ? step.below.record.capability : step.record.capability
}

// The agent in whose chain the steps above stand.
function agentAbove(step: PathStep): string {
  return step.kind === "DELEGATION" ? step.record.delegatorId : step.agentId
}

// Whether a step is the first with its name in its group.
function distinctNames<Group>(
  groupOf: (step: PathStep) => Group,
  nameOf: (step: PathStep) => string,
): (step: PathStep) => boolean {
  const groups = new Map<Group, Set<string>>()
  return (step) => {
    const group = groupOf(step)
    const names = groups.get(group) ?? new Set()
    groups.set(group, names)
    const name = nameOf(step)
    return !names.has(name) && names.add(name) !== undefined
  }
}

function perChain<Found>(find: (chain: TrustLineageChain) => Found): (chain: TrustLineageChain) => Found {
  const found = new Map<TrustLineageChain, Found>()
  return (chain) => {
    const known = found.get(chain) ?? find(chain)
    found.set(chain, known)
    return known
  }
}

function byName(delegations: readonly DelegationRecord[]): Map<string, DelegationRecord[]> {
  const named = new Map<string, DelegationRecord[]>()
  for (const delegation of delegations)
    for (const name of new Set(delegation.capabilitiesDelegated)) {
      const others = named.get(name)
      if (others === undefined) named.set(name, [delegation])
      else others.push(delegation)
    }
  return named
}
