import type { DelegationRecord } from "@trust-registry/proto"
import { isoFromMicros } from "../time/isoTime.js"
import { parseTime } from "../time/time.js"

/**
 * Truncates a delegation's times to whole seconds in UTC, as the engines sign them. Rounding up would lengthen the
 * delegation.
 */
export function toWholeSeconds(delegation: DelegationRecord): void {
  delegation.delegatedAt = wholeSecond(delegation.delegatedAt)
  if (delegation.expiresAt !== undefined) delegation.expiresAt = wholeSecond(delegation.expiresAt)
}

function wholeSecond(text: string): string {
  const micros = parseTime(text)?.utcMicros
  return micros === undefined
    ? text
    : isoFromMicros(micros - (((micros % 1_000_000n) + 1_000_000n) % 1_000_000n))
}
