import type { CapabilityAttestation, DelegationRecord } from "@trust-registry/proto"
import { isRecordExpired } from "./expiry.js"

/** The delegations of a capability: those that list its name. */
export function delegationsFor(
  delegations: readonly DelegationRecord[],
  capability: CapabilityAttestation | undefined,
): DelegationRecord[] {
  if (capability === undefined) return []
  return delegations.filter((delegation) => delegation.capabilitiesDelegated.includes(capability.capability))
}

/**
 * Says which of a chain's delegations run: neither they nor their parents in that chain have expired. Looks at each
 * delegation once; one that is its own ancestor does not run.
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
    const running = !isRecordExpired(delegation, nowMicros) && (parent === undefined || runs(parent))
    known.set(delegation, running)
    return running
  }
}
