import type { CapabilityAttestation, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { runningDelegations } from "./expiryChecks.js"
import type { Lookup, StoredTrust } from "./trustInput.js"

/** A record on the way up from a capability to where it was delegated from, and the one below it on that way. */
export type Rung = CapabilityRung | DelegationRung

/** A capability of an agent. */
export type CapabilityRung = {
  kind: "CAPABILITY"
  /** Whose chain it stands in. */
  agentId: string
  chain: TrustLineageChain
  record: CapabilityAttestation
  /** The delegation that it was delegated on by; unset: the way begins here. */
  below?: DelegationRung
}

/** A delegation that delegated the capability below it. */
export type DelegationRung = {
  kind: "DELEGATION"
  agentId: string
  chain: TrustLineageChain
  record: DelegationRecord
  below: CapabilityRung
}

/** Tells what stands above a record, as far as chains are at hand. */
export type Ladder = {
  /** Of a capability the delegations that delegated it; of a delegation the capabilities of the delegator that cover what it delegated. */
  above(rung: Rung): Rung[]
}

/** Opens the ladder of some chains. What one chain holds is sorted once. */
export function openLadder(chains: Lookup<StoredTrust>): Ladder {
  const delegations = perChain(({ delegations }) => byName(delegations))
  const covering = perChain(() => new Map<string, CapabilityAttestation[]>())
  const coveringOf = (chain: TrustLineageChain, name: string) => {
    const known = covering(chain)
    const found =
      known.get(name) ?? chain.capabilities.filter(({ capability }) => capabilityCovers(capability, name))
    known.set(name, found)
    return found
  }
  return {
    above(rung) {
      if (rung.kind === "CAPABILITY") {
        const { agentId, chain, record } = rung
        const delegated = delegations(chain).get(record.capability) ?? []
        return delegated.map((delegation) => ({
          kind: "DELEGATION",
          agentId,
          chain,
          record: delegation,
          below: rung,
        }))
      }
      const agentId = rung.record.delegatorId
      const chain = chains.get(agentId)?.chain
      if (chain?.genesis?.agentId !== agentId) return []
      const found = coveringOf(chain, rung.below.record.capability)
      return found.map((record) => ({ kind: "CAPABILITY", agentId, chain, record, below: rung }))
    },
  }
}

/**
 * Climbs from a capability, level by level, so that what is reached is reached by the fewest hops. Is told
 * after each record whether to go on above it, and passes each but once, a delegation once for each name that it
 * delegated: linear, whatever circles there are.
 */
export function* climb(start: CapabilityRung, { above }: Ladder): Generator<Rung, void, boolean> {
  const passed = new Map<object, Set<string>>()
  const isNew = (rung: Rung) => {
    const names = passed.get(rung.record) ?? new Set()
    const name = rung.kind === "DELEGATION" ? rung.below.record.capability : ""
    passed.set(rung.record, names)
    return !names.has(name) && names.add(name) !== undefined
  }
  // What stands above is the same for all of a chain that have the name: a thousand delegations of one name need it once.
  const climbed = { CAPABILITY: new Map<string, Set<string>>(), DELEGATION: new Map<string, Set<string>>() }
  const isClimbed = (rung: Rung) => {
    const name = rung.kind === "DELEGATION" ? rung.below.record.capability : rung.record.capability
    const place = rung.kind === "DELEGATION" ? rung.record.delegatorId : rung.agentId
    const names = climbed[rung.kind].get(place) ?? new Set()
    climbed[rung.kind].set(place, names)
    return names.has(name) || names.add(name) === undefined
  }
  let level: Rung[] = [start].filter(isNew)
  while (level.length > 0) {
    const next: Rung[] = []
    for (const rung of level)
      if ((yield rung) && !isClimbed(rung))
        for (const found of above(rung)) if (isNew(found)) next.push(found)
    level = next
  }
}

/** The records from one at the top down to where the way begins. */
export function downFrom(top: Rung): Rung[] {
  const rungs: Rung[] = []
  for (let rung: Rung | undefined = top; rung !== undefined; rung = rung.below) rungs.push(rung)
  return rungs
}

/** Tells which delegations of a chain run; each chain is looked through once. */
export function runningRungs(nowMicros: bigint): (rung: DelegationRung) => boolean {
  const runs = perChain(({ delegations }) => runningDelegations(delegations, nowMicros))
  return ({ chain, record }) => runs(chain)(record)
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
