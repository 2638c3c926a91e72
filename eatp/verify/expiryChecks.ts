import type { TrustLineageChain } from "@trust-registry/proto"
import { expiredPart, isNaive } from "../rules/expiry.js"
import { delegationsFor, runningDelegations } from "../rules/runningDelegations.js"
import type { Question } from "./question.js"
import { type Denial, denial } from "./verdict.js"

/** Every expiry names an instant. EATP's reference implementation fails when it compares a naive one. */
export function expiriesAware({ chain }: Question): Denial | undefined {
  const field = naiveExpiry(chain)
  return field === undefined
    ? undefined
    : denial("NAIVE_EXPIRY", `Expiry without an offset from UTC: ${field}`, { facts: { detail: field } })
}

/** Neither the genesis record nor all of the capabilities have expired (EATP VERIFY, QUICK: is_expired). */
export function notExpired({ chain, input }: Question): Denial | undefined {
  const part = expiredPart(chain, input.nowMicros)
  return part && denial("TRUST_CHAIN_EXPIRED", "Trust chain expired")
}

/**
 * If the capability was delegated, one of its delegations still runs, and so do that delegation's parents. The
 * reference implementation ignores their expiry.
 */
export function delegationRuns({ chain, capability, input }: Question): Denial | undefined {
  const delegations = delegationsFor(chain.delegations, capability)
  const first = delegations[0]
  if (first === undefined) return undefined
  const runs = runningDelegations(chain.delegations, input.nowMicros)
  if (delegations.some((delegation) => runs(delegation))) return undefined
  const facts = { id: first.id, since: first.expiresAt }
  return denial("DELEGATION_EXPIRED", `Delegation expired: ${first.id}`, { facts })
}

function naiveExpiry({ genesis, capabilities, delegations }: TrustLineageChain): string | undefined {
  if (isNaive(genesis?.expiresAt)) return "genesis.expires_at"
  const capability = capabilities.findIndex(({ expiresAt }) => isNaive(expiresAt))
  if (capability !== -1) return `capabilities[${capability}].expires_at`
  const delegation = delegations.findIndex(({ expiresAt }) => isNaive(expiresAt))
  return delegation === -1 ? undefined : `delegations[${delegation}].expires_at`
}
