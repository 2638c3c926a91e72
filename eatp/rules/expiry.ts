import type { TrustLineageChain } from "@trust-registry/proto"
import { instantOf } from "../time/time.js"

/** A moment in microseconds since 1970 UTC; unset means never. */
type Moment = bigint | null | undefined

/**
 * Whether something has expired: EATP's `now > expires_at`, so it is still valid at the very microsecond of its
 * expiry. Both moments are in microseconds since 1970 UTC; without an expiry nothing expires.
 */
export function isExpired(expiresAt: Moment, now: bigint): boolean {
  return typeof expiresAt === "bigint" && now > expiresAt
}

/**
 * Whether something that takes effect at a moment, such as a revocation, has: from that microsecond on.
 * Both moments are in microseconds since 1970 UTC; what has no such moment never takes effect.
 */
export function isEffective(effectiveAt: Moment, now: bigint): boolean {
  return typeof effectiveAt === "bigint" && now >= effectiveAt
}

/** What decides whether a registration is in force; moments in microseconds since 1970 UTC. */
export type Standing = {
  /** Whether its status is active: neither deleted, suspended nor revoked. */
  active: boolean
  /** The last moment at which it is valid; unset: it never expires. */
  expiresAt?: Moment
  /** The moment from which it is revoked; unset: no revocation is announced. */
  revokesAt?: Moment
}

/** Whether a registration is in force at a moment, in microseconds since 1970 UTC. */
export function isInForce({ active, expiresAt, revokesAt }: Standing, now: bigint): boolean {
  return active && !isEffective(revokesAt, now) && !isExpired(expiresAt, now)
}

/** Whether a record's own `expires_at` has passed; a naive one, or text that is no time, never does. */
export function isRecordExpired({ expiresAt }: { expiresAt?: string | undefined }, now: bigint): boolean {
  return isExpired(instantOf(expiresAt), now)
}

/** How far ahead the clocks of signers may be, in microseconds: 10 s. */
const CLOCKS_MICROS = 10_000_000n

/** Whether a capability is attested in the future, so that it does not count yet; a naive date names no instant and does. */
export function isToCome({ attestedAt }: { attestedAt: string }, now: bigint): boolean {
  const at = instantOf(attestedAt)
  return at !== undefined && at > now + CLOCKS_MICROS
}

/** Whether an expiry is set and names no instant: it is naive, or no time at all. */
export function isNaive(expiresAt: string | undefined): boolean {
  return expiresAt !== undefined && instantOf(expiresAt) === undefined
}

/**
 * The last moment at which a chain is valid, in microseconds since 1970 UTC: the earliest of the requested expiry,
 * the genesis record's and, where every capability expires, the last of theirs. Undefined: it never expires.
 * Naive times and text that is no time do not count (checkShape refuses them).
 */
export function effectiveExpiry(chain: TrustLineageChain, requestExpiryMicros?: bigint): bigint | undefined {
  const ends = [requestExpiryMicros, instantOf(chain.genesis?.expiresAt), lastCapabilityExpiry(chain)]
  return ends.reduce((first, end) => (first === undefined || (end ?? first) < first ? end : first))
}

/** Which part of a chain has expired: the genesis record or all of the capabilities (EATP's is_expired). */
export function expiredPart(
  chain: TrustLineageChain,
  nowMicros: bigint,
): "genesis" | "capabilities" | undefined {
  if (chain.genesis && isRecordExpired(chain.genesis, nowMicros)) return "genesis"
  return isExpired(lastCapabilityExpiry(chain), nowMicros) ? "capabilities" : undefined
}

function lastCapabilityExpiry(chain: TrustLineageChain): bigint | undefined {
  let last: bigint | undefined
  for (const capability of chain.capabilities) {
    const end = instantOf(capability.expiresAt)
    if (end === undefined) return undefined
    if (last === undefined || end > last) last = end
  }
  return last
}
