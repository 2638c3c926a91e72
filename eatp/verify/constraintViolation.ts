import { type Denial, denial, type TrustViolation } from "./verdict.js"

/** The denial for constraints that are not met; its sentence names the first. */
export function violation(violations: TrustViolation[]): Denial {
  const [first] = violations
  const facts = first && { detail: `${first.constraint} (${first.source}): ${first.reason}` }
  return denial("CONSTRAINT_VIOLATION", "Constraint violation", { violations, ...(facts && { facts }) })
}
