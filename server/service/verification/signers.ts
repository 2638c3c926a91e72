import {
  type AgentRevocations,
  createTurns,
  isInForce,
  MAX_DELEGATION_DEPTH,
  type Signers,
  type StoredTrust,
  type TrustAuthority,
} from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import type { Depends } from "../../store/chains/writes.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import { revocationsOf, type ServedChain, standingOf, statusOf } from "../../store/rows/servedChain.js"
import { readParents, withPermissions } from "./permissions.js"

/** The signers of a chain that the registry knows, and their revisions. */
export interface KnownSigners extends Signers {
  /** The revisions of what was read; 0 for what is not stored. */
  depends: Depends
  /** Chains above that are stored but not VERIFIED. */
  unverified: TrustLineageChain[]
  /** The revocations in force on the chains of delegators. */
  revocations: Map<string, AgentRevocations>
  /** The chains of delegators as they are served, by agent id. */
  served: Map<string, ServedChain>
  /** Delegators, direct or not, without a stored chain. */
  missing: string[]
  /** Whether the delegators exceed the limits on number or size. */
  tooMany: boolean
}

/** Most ancestors that are read; each is a read of its own. */
const MAX_ANCESTORS = 1_000
/** Most bytes of their chains: a thousand of the largest would not fit into memory. */
const MAX_ANCESTOR_BYTES = 16 * 1024 * 1024
/** Most chains read at once: their size is known only after they are read. */
const READ_AT_ONCE = 16
/** What counts as one record for turns: bytes of a chain that may have to be decoded, and delegations looked at. */
const BYTES_PER_RECORD = 512
const LOOKS_PER_RECORD = 8

/**
 * The authorities that a chain names, the chains of all its delegators up to one level beyond the depth that EATP allows, and the
 * authorities of the direct delegators.
 *
 * @param nowMicros the time at which delegators must be in force, in microseconds since 1970
 * @param reach `all` includes every authority that an ancestor's chain names, up to 1,000
 */
export async function signersOf(
  reader: TrustReader,
  chain: TrustLineageChain,
  nowMicros: bigint,
  reach: "direct" | "all" = "direct",
): Promise<KnownSigners> {
  const { ancestors, tooMany: tooManyAncestors } = await ancestorsOf(reader, chain)
  const delegators = new Map<string, StoredTrust>()
  const revocations = new Map<string, AgentRevocations>()
  const served = new Map<string, ServedChain>()
  const missing: string[] = []
  const unverified: TrustLineageChain[] = []
  for (const [id, delegator] of ancestors)
    if (delegator) {
      served.set(id, delegator)
      if (!delegator.verified) unverified.push(delegator.chain())
      delegators.set(id, trustOf(delegator, nowMicros))
      revocations.set(id, revocationsOf(delegator, nowMicros))
    } else missing.push(id)
  const above = reach === "all" ? Array.from(delegators.values(), (delegator) => delegator.chain) : []
  const ids = new Set([...authorityIdsOf(chain, delegators), ...above.flatMap(signerIdsOf)])
  const tooMany = tooManyAncestors || (reach === "all" && ids.size > MAX_ANCESTORS)
  const known = await readAll(tooMany ? [] : ids, (id) => reader.getAuthority(id))
  await readParents(reader, known)
  const authorities = new Map<string, TrustAuthority>()
  for (const [id, authority] of known) if (authority) authorities.set(id, withPermissions(authority, known))
  const depends = { chains: revisionsOf(ancestors), authorities: revisionsOf(known) }
  const firstStored = await firstStoredOf(reader, [chain, ...above], authorities.values())
  return { authorities, delegators, unverified, firstStored, revocations, served, depends, missing, tooMany }
}

/** When the chains' signatures were first stored. Read only for compromised keys, whose older signatures stay valid. */
async function firstStoredOf(
  reader: TrustReader,
  chains: TrustLineageChain[],
  authorities: Iterable<TrustAuthority>,
): Promise<Signers["firstStored"]> {
  const keys = Array.from(authorities, (authority) => authority.keys).flat()
  if (!keys.some(({ compromisedAtMicros }) => compromisedAtMicros !== undefined)) return undefined
  const agentIds = chains.map(({ genesis }) => genesis?.agentId ?? "")
  const stored = await readAll(agentIds, (agentId) => reader.firstStored(agentId))
  return (agentId, signature) => stored.get(agentId)?.get(signature)
}

/** A stored chain as input of verification: in force if it is active and its registration has not expired. */
export function trustOf(stored: ServedChain, nowMicros: bigint): StoredTrust {
  return {
    chain: stored.chain(),
    active: isInForce(standingOf(stored), nowMicros),
    status: statusOf(stored, nowMicros),
  }
}

/** The ancestors, level by level upwards. The agent itself is not read: its chain is already at hand. */
async function ancestorsOf(reader: TrustReader, chain: TrustLineageChain) {
  const ancestors = new Map<string, ServedChain | null>()
  const agentId = chain.genesis?.agentId
  const takeTurns = createTurns()
  let level = [chain]
  let bytes = 0
  for (let depth = 0; depth <= MAX_DELEGATION_DEPTH && level.length > 0; depth++) {
    const fresh = await delegatorsOf(level, (id) => id !== agentId && !ancestors.has(id))
    if (ancestors.size + fresh.length > MAX_ANCESTORS) return { ancestors, tooMany: true }
    level = []
    for (let next = 0; next < fresh.length; next += READ_AT_ONCE) {
      const found = await readAll(fresh.slice(next, next + READ_AT_ONCE), (id) => reader.getChain(id))
      for (const [id, ancestor] of found) {
        ancestors.set(id, ancestor)
        bytes += ancestor?.bytes.length ?? 0
        if (bytes > MAX_ANCESTOR_BYTES) return { ancestors, tooMany: true }
        // It may have to be decoded first.
        if (ancestor) level.push(ancestor.chain())
        const turn = ancestor && takeTurns(ancestor.bytes.length / BYTES_PER_RECORD)
        if (turn) await turn
      }
    }
  }
  return { ancestors, tooMany: false }
}

/** The direct delegators that pass, each once. In turns: a thousand chains may name a hundred thousand. */
async function delegatorsOf(chains: TrustLineageChain[], passes: (id: string) => boolean): Promise<string[]> {
  const ids = new Set<string>()
  const takeTurns = createTurns()
  for (const { delegations } of chains) {
    for (const { delegatorId } of delegations) if (passes(delegatorId)) ids.add(delegatorId)
    const turn = takeTurns(delegations.length / LOOKS_PER_RECORD)
    if (turn) await turn
  }
  return [...ids]
}

function authorityIdsOf(chain: TrustLineageChain, delegators: Map<string, StoredTrust>): string[] {
  const direct = chain.delegations.map(({ delegatorId }) => delegators.get(delegatorId)?.chain.genesis)
  return [...signerIdsOf(chain), ...direct.flatMap((genesis) => genesis?.authorityId || [])]
}

function signerIdsOf({ genesis, capabilities }: TrustLineageChain): string[] {
  const ids = [genesis?.authorityId ?? "", ...capabilities.map(({ attesterId }) => attesterId)]
  return ids.filter((id) => id !== "")
}

/** Avoids promises if everything is in memory. */
async function readAll<Found>(ids: Iterable<string>, read: (id: string) => Promise<Found> | Found) {
  const all = [...ids]
  const reads = all.map(read)
  const found = reads.some((one) => one instanceof Promise) ? await Promise.all(reads) : (reads as Found[])
  return new Map(all.map((id, index) => [id, found[index] as Found]))
}

function revisionsOf(found: Map<string, { revision: bigint } | null>): Map<string, bigint> {
  return new Map(Array.from(found, ([id, one]) => [id, one?.revision ?? 0n]))
}
