import type { TrustLineageChain } from "@trust-registry/proto"
import { parseTime } from "../time/time.js"

/**
 * Last moment at which a chain is valid, in microseconds since 1970 UTC: the earliest of the request's, the
 * genesis record's, and, where there are capabilities and all of them expire, the last of theirs. Undefined:
 * it never expires. Times that do not parse or have no offset do not count (checkShape refuses them).
 */
export function effectiveExpiry(chain: TrustLineageChain, requestExpiryMicros?: bigint): bigint | undefined {
  const ends = [requestExpiryMicros, instantOf(chain.genesis?.expiresAt), lastCapabilityEnd(chain)]
  return ends.reduce((first, end) => (first === undefined || (end ?? first) < first ? end : first))
}

/**
 * Which of a chain's own times is past: that of the genesis record, or the last of the capabilities; EATP's
 * is_expired.
 */
export function expiredPart(
  chain: TrustLineageChain,
  nowMicros: bigint,
): "genesis" | "capabilities" | undefined {
  const genesis = instantOf(chain.genesis?.expiresAt)
  if (genesis !== undefined && nowMicros > genesis) return "genesis"
  const capabilities = lastCapabilityEnd(chain)
  return capabilities !== undefined && nowMicros > capabilities ? "capabilities" : undefined
}

function lastCapabilityEnd(chain: TrustLineageChain): bigint | undefined {
  let last: bigint | undefined
  for (const capability of chain.capabilities) {
    const end = instantOf(capability.expiresAt)
    if (end === undefined) return undefined
    if (last === undefined || end > last) last = end
  }
  return last
}

function instantOf(time: string | undefined): bigint | undefined {
  return time === undefined ? undefined : parseTime(time)?.utcMicros
}
