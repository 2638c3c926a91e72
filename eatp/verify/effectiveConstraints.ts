import { byCodePoint } from "../json/codePointOrder.js"
import { isRecordExpired } from "../rules/expiry.js"
import { delegationsFor } from "../rules/runningDelegations.js"
import type { Question } from "./question.js"

/**
 * The constraints that bind an agent when it uses a capability (EATP's get_effective_constraints): those of all
 * capabilities of that name and of all its delegations, unless expired. Distinct and sorted by code point.
 */
export function effectiveConstraints({ chain, capability, input }: Question): string[] {
  if (capability === undefined) return []
  const isLive = (record: { expiresAt?: string | undefined }) => !isRecordExpired(record, input.nowMicros)
  const own = chain.capabilities.filter((item) => item.capability === capability.capability && isLive(item))
  const delegated = delegationsFor(chain.delegations, capability).filter(isLive)
  const all = [
    ...own.flatMap((item) => item.constraints),
    ...delegated.flatMap((delegation) => delegation.constraintSubset),
  ]
  return [...new Set(all)].sort(byCodePoint)
}
