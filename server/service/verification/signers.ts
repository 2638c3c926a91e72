import {
  type AgentRevocations,
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

/** Who signed a chain, as far as the registry knows them, and the revisions at which it knows them. */
export interface KnownSigners extends Signers {
  /** Those that are not there stand at revision 0. */
  depends: Depends
  /** What of the chains of delegators stands revoked. */
  revocations: Map<string, AgentRevocations>
  /** Delegators, of whatever level, of whom no chain is stored. */
  missing: string[]
  /** Whether there are more delegators above, or larger ones, than are looked at. */
  tooMany: boolean
}

/** Most agents above one that are looked at; each is a read. */
const MAX_ANCESTORS = 1_000
/** Most bytes of their chains: a thousand of the largest would not fit into memory. */
const MAX_ANCESTOR_BYTES = 16 * 1024 * 1024
/** Most that are read at once: more are found to be too large only when they are there. */
const READ_AT_ONCE = 16

/**
 * The authorities that a chain names, the chains of its delegators and of theirs, one level beyond the depth that EATP allows,
 * and the authorities of the direct ones.
 *
 * @param nowMicros the moment at which delegators must be in force, in microseconds since 1970
 * @param reach `all`: with every authority that a chain above names, up to 1,000
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
  const missing: string[] = []
  for (const [id, delegator] of ancestors)
    if (delegator) {
      delegators.set(id, trustOf(delegator, nowMicros))
      revocations.set(id, revocationsOf(delegator, nowMicros))
    } else missing.push(id)
  const above = reach === "all" ? Array.from(delegators.values(), (delegator) => delegator.chain) : []
  const ids = new Set([...authorityIdsOf(chain, delegators), ...above.flatMap(signerIdsOf)])
  const tooMany = tooManyAncestors || (reach === "all" && ids.size > MAX_ANCESTORS)
  const known = await readAll(tooMany ? [] : ids, (id) => reader.getAuthority(id))
  const authorities = new Map<string, TrustAuthority>()
  for (const [id, authority] of known) if (authority) authorities.set(id, authority.signer)
  const depends = { chains: revisionsOf(ancestors), authorities: revisionsOf(known) }
  const firstStored = await firstStoredOf(reader, [chain, ...above], authorities.values())
  return { authorities, delegators, firstStored, revocations, depends, missing, tooMany }
}

/** When the chains' signatures were first stored: asked only for keys that others may have, of which old ones still count. */
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

/** A stored chain as verification sees it: in force are those that are active and whose registration has not expired. */
export function trustOf(stored: ServedChain, nowMicros: bigint): StoredTrust {
  return {
    chain: stored.chain(),
    active: isInForce(standingOf(stored), nowMicros),
    status: statusOf(stored, nowMicros),
  }
}

/** Level by level up; the agent itself is not read, since its chain is the one that is looked at. */
async function ancestorsOf(reader: TrustReader, chain: TrustLineageChain) {
  const ancestors = new Map<string, ServedChain | null>()
  const agentId = chain.genesis?.agentId
  let level = [chain]
  let bytes = 0
  for (let depth = 0; depth <= MAX_DELEGATION_DEPTH && level.length > 0; depth++) {
    const ids = new Set(level.flatMap(({ delegations }) => delegations.map(({ delegatorId }) => delegatorId)))
    const fresh = [...ids].filter((id) => id !== agentId && !ancestors.has(id))
    if (ancestors.size + fresh.length > MAX_ANCESTORS) return { ancestors, tooMany: true }
    level = []
    for (let next = 0; next < fresh.length; next += READ_AT_ONCE) {
      const found = await readAll(fresh.slice(next, next + READ_AT_ONCE), (id) => reader.getChain(id))
      for (const [id, ancestor] of found) {
        ancestors.set(id, ancestor)
        bytes += ancestor?.bytes.length ?? 0
        if (bytes > MAX_ANCESTOR_BYTES) return { ancestors, tooMany: true }
        if (ancestor) level.push(ancestor.chain())
      }
    }
  }
  return { ancestors, tooMany: false }
}

function authorityIdsOf(chain: TrustLineageChain, delegators: Map<string, StoredTrust>): string[] {
  const direct = chain.delegations.map(({ delegatorId }) => delegators.get(delegatorId)?.chain.genesis)
  return [...signerIdsOf(chain), ...direct.flatMap((genesis) => genesis?.authorityId || [])]
}

function signerIdsOf({ genesis, capabilities }: TrustLineageChain): string[] {
  const ids = [genesis?.authorityId ?? "", ...capabilities.map(({ attesterId }) => attesterId)]
  return ids.filter((id) => id !== "")
}

/** What is in memory needs no promise. */
async function readAll<Found>(ids: Iterable<string>, read: (id: string) => Promise<Found> | Found) {
  const all = [...ids]
  const reads = all.map(read)
  const found = reads.some((one) => one instanceof Promise) ? await Promise.all(reads) : (reads as Found[])
  return new Map(all.map((id, index) => [id, found[index] as Found]))
}

function revisionsOf(found: Map<string, { revision: bigint } | null>): Map<string, bigint> {
  return new Map(Array.from(found, ([id, one]) => [id, one?.revision ?? 0n]))
}
