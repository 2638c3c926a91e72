import type { CapabilityAttestation, DelegationRecord } from "@trust-registry/proto"
import { expiredPart } from "../rules/expiry.js"
import { isPast, naiveExpiry } from "./moments.js"
import type { Question } from "./question.js"
import { type Denial, denial } from "./verdict.js"

/**
 * Every expiry names an instant: a naive one cannot be compared, and EATP's reference implementation fails on
 * it.
 */
export function expiriesAware({ chain }: Question): Denial | undefined {
  const field = naiveExpiry(chain)
  return field === undefined
    ? undefined
    : denial("NAIVE_EXPIRY", `Expiry without an offset from UTC: ${field}`)
}

/** Neither the genesis record nor all of the capabilities have expired (EATP VERIFY, QUICK: is_expired). */
export function notExpired({ chain, input }: Question): Denial | undefined {
  const part = expiredPart(chain, input.nowMicros)
  return part && denial("TRUST_CHAIN_EXPIRED", "Trust chain expired")
}

/**
 * Where the capability was delegated, one of the delegations that delegated it still runs, and so do those above it:
 * the reference implementation does not look at their expiry.
 */
export function delegationRuns({ chain, capability, input }: Question): Denial | undefined {
  const delegations = delegationsFor(chain.delegations, capability)
  const first = delegations[0]
  if (first === undefined) return undefined
  const runs = runningDelegations(chain.delegations, input.nowMicros)
  if (delegations.some((delegation) => runs(delegation))) return undefined
  return denial("DELEGATION_EXPIRED", `Delegation expired: ${first.id}`)
}

/** The delegations that delegated a capability: those that list its name. */
export function delegationsFor(
  delegations: readonly DelegationRecord[],
  capability: CapabilityAttestation | undefined,
): DelegationRecord[] {
  if (capability === undefined) return []
  return delegations.filter((delegation) => delegation.capabilitiesDelegated.includes(capability.capability))
}

/**
 * Tells which of a chain's delegations run: neither they nor those above them in that chain have expired.
 * Each is looked at once; one that is its own ancestor does not run.
 */
export function runningDelegations(
  delegations: readonly DelegationRecord[],
  nowMicros: bigint,
): (delegation: DelegationRecord) => boolean {
  const byId = new Map(delegations.map((delegation) => [delegation.id, delegation]))
  const known = new Map<DelegationRecord, boolean>()
  return function runs(delegation): boolean {
    const answer = known.get(delegation)
    if (answer !== undefined) return answer
    known.set(delegation, false)
    const parent = delegation.parentDelegationId ? byId.get(delegation.parentDelegationId) : undefined
    const running = !isPast(delegation.expiresAt, nowMicros) && (parent === undefined || runs(parent))
    known.set(delegation, running)
    return running
  }
}
