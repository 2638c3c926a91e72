import type { Signers, StoredTrust, TrustAuthority } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import type { ServedChain } from "../store/servedChain.js"
import type { Store } from "../store/store.js"
import type { Depends } from "../store/writes.js"

/** Who signed a chain, as far as the registry knows them, and the revisions at which it knows them. */
export interface KnownSigners extends Signers {
  /** Those that are not there stand at revision 0. */
  depends: Depends
}

/**
 * The authorities that a chain names, the chains of its delegators, and their authorities; from memory where that is fresh.
 *
 * @param nowMs by which clock a delegator's registration has expired
 */
export async function signersOf(
  store: Store,
  chain: TrustLineageChain,
  nowMs: number,
): Promise<KnownSigners> {
  const lenderIds = new Set(chain.delegations.map(({ delegatorId }) => delegatorId))
  const lenders = await readAll(lenderIds, (id) => store.getChain(id))
  const delegators = new Map<string, StoredTrust>()
  for (const [id, lender] of lenders) if (lender) delegators.set(id, trustOf(lender, nowMs))
  const known = await readAll(authorityIdsOf(chain, delegators), (id) => store.authorities.get(id))
  const authorities = new Map<string, TrustAuthority>()
  for (const [id, authority] of known) if (authority) authorities.set(id, authority.signer)
  const depends = { chains: revisionsOf(lenders), authorities: revisionsOf(known) }
  return { authorities, delegators, depends }
}

/** A stored chain as verification sees it: in force are those that are active and whose registration has not expired. */
export function trustOf(stored: ServedChain, nowMs: number): StoredTrust {
  return { chain: stored.chain(), active: stored.active && nowMs <= stored.expiresAtMs }
}

function authorityIdsOf({ genesis, capabilities }: TrustLineageChain, delegators: Map<string, StoredTrust>) {
  const lenders = [...delegators.values()].map(({ chain }) => chain.genesis?.authorityId)
  const ids = [genesis?.authorityId, ...capabilities.map(({ attesterId }) => attesterId), ...lenders]
  return new Set(ids.filter((id): id is string => id !== undefined && id !== ""))
}

async function readAll<Found>(ids: Iterable<string>, read: (id: string) => Promise<Found> | Found) {
  const entries = Array.from(ids, async (id) => [id, await read(id)] as const)
  return new Map(await Promise.all(entries))
}

function revisionsOf(found: Map<string, { revision: bigint } | null>): Record<string, bigint> {
  return Object.fromEntries(Array.from(found, ([id, one]) => [id, one?.revision ?? 0n]))
}
