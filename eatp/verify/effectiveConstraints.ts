import { byCodePoint } from "../json/codePointOrder.js"
import { delegationsFor } from "./expiryChecks.js"
import { isPast } from "./moments.js"
import type { Question } from "./question.js"

/**
 * What an agent has to heed who uses a capability (EATP's get_effective_constraints): the constraints of all
 * capabilities of that name and of all delegations that delegated it, as far as they run; each once, by code
 * point.
 */
export function effectiveConstraints({ chain, capability, input }: Question): string[] {
  if (capability === undefined) return []
  const live = ({ expiresAt }: { expiresAt?: string | undefined }) => !isPast(expiresAt, input.nowMicros)
  const own = chain.capabilities.filter((item) => item.capability === capability.capability && live(item))
  const delegated = delegationsFor(chain.delegations, capability).filter(live)
  const all = [
    ...own.flatMap((item) => item.constraints),
    ...delegated.flatMap((delegation) => delegation.constraintSubset),
  ]
  return [...new Set(all)].sort(byCodePoint)
}
