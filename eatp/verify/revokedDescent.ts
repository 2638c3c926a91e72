import type { CapabilityAttestation, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"

/** A revoked delegation or capability of which not everything that descends is revoked yet. */
export type RevokedOrigin = {
  kind: "DELEGATION" | "CAPABILITY"
  /** The agent in whose chain it stands, or stood. */
  agentId: string
  /** The capabilities that it gives the agent. */
  names: readonly string[]
  /** Only what was stored earlier descends from it. */
  since: bigint
}

/** A chain, and when it was stored in the order of changes. */
export type PlacedChain = { chain: TrustLineageChain; stored: bigint }

/** Ids of records, by agent id. */
export type Descendants = Map<string, { delegations: Set<string>; capabilities: Set<string> }>

/**
 * Works out which records of some chains descend from revoked ones, by the rule with which the registry revokes them, one after the
 * other. From a delegation: each delegation by its holder of a capability that it covers. From a capability: each capability that its
 * holder delegated, by a name that it covers. And so on from those, in cycles too. Yields wherever it can be interrupted.
 */
export function* revokedDescendants(
  origins: Iterable<RevokedOrigin>,
  chains: Iterable<PlacedChain>,
): Generator<void, Descendants> {
  const below = yield* byDelegator(chains)
  const descendants: Descendants = new Map()
  const queue = openQueue(origins)
  for (let origin = queue.next(); origin !== undefined; origin = queue.next())
    for (const place of below.get(origin.agentId) ?? []) {
      if (place.stored >= origin.since) continue
      const { agentId } = place
      const found = descendants.get(agentId) ?? { delegations: new Set(), capabilities: new Set() }
      descendants.set(agentId, found)
      const ids = origin.kind === "DELEGATION" ? found.delegations : found.capabilities
      for (const { id, names } of yield* recordsBelow(origin, place)) {
        ids.add(id)
        queue.add({ ...origin, agentId, names })
      }
    }
  return descendants
}

type Place = {
  agentId: string
  delegation: DelegationRecord
  stored: bigint
  /** The capabilities of the chain, by name. */
  named: () => Map<string, CapabilityAttestation[]>
}

// How many names are compared between two looks at whether the turn is over.
const LOOKS_PER_STEP = 4_096

function* byDelegator(chains: Iterable<PlacedChain>): Generator<void, Map<string, Place[]>> {
  const places = new Map<string, Place[]>()
  for (const { chain, stored } of chains) {
    const agentId = chain.genesis?.agentId ?? ""
    const named = once(() => byName(chain.capabilities))
    for (const delegation of chain.delegations) {
      const others = places.get(delegation.delegatorId) ?? []
      places.set(delegation.delegatorId, others)
      others.push({ agentId, delegation, stored, named })
    }
    yield
  }
  return places
}

// The records of a chain that descend directly, with the names that they give.
function* recordsBelow(
  { kind, names }: RevokedOrigin,
  { delegation, named }: Place,
): Generator<void, { id: string; names: readonly string[] }[]> {
  const covered = new Set<string>()
  let looks = 0
  for (const name of delegation.capabilitiesDelegated) {
    if (names.some((origin) => capabilityCovers(origin, name))) covered.add(name)
    looks += names.length
    if (looks < LOOKS_PER_STEP) continue
    looks = 0
    yield
  }
  yield
  // What has no id cannot be revoked.
  if (kind === "CAPABILITY")
    return [...covered].flatMap((name) =>
      (named().get(name) ?? []).filter(({ id }) => id !== "").map(({ id }) => ({ id, names: [name] })),
    )
  return covered.size === 0 || delegation.id === ""
    ? []
    : [{ id: delegation.id, names: delegation.capabilitiesDelegated }]
}

// Those of one holder wait as one, and each name once unless it reaches later documents.
function openQueue(origins: Iterable<RevokedOrigin>) {
  const waiting = new Map<string, RevokedOrigin & { names: string[] }>()
  const reached = new Map<string, bigint>()
  const add = ({ names, ...holder }: RevokedOrigin) => {
    const key = `${holder.kind} ${holder.since} ${holder.agentId}`
    const known = waiting.get(key) ?? { ...holder, names: [] }
    for (const name of names) {
      const place = JSON.stringify([holder.kind, holder.agentId, name])
      if ((reached.get(place) ?? 0n) >= holder.since) continue
      reached.set(place, holder.since)
      known.names.push(name)
    }
    if (known.names.length > 0) waiting.set(key, known)
  }
  for (const origin of origins) add(origin)
  return {
    add,
    next: () => {
      const [first] = waiting
      if (first !== undefined) waiting.delete(first[0])
      return first?.[1]
    },
  }
}

function byName(capabilities: readonly CapabilityAttestation[]): Map<string, CapabilityAttestation[]> {
  const named = new Map<string, CapabilityAttestation[]>()
  for (const record of capabilities) {
    const others = named.get(record.capability) ?? []
    named.set(record.capability, others)
    others.push(record)
  }
  return named
}

function once<Value>(find: () => Value): () => Value {
  let found: { value: Value } | undefined
  return () => {
    found ??= { value: find() }
    return found.value
  }
}
