import type { TrustLineageChain } from "@trust-registry/proto"
import { parseTime } from "../time/time.js"

/**
 * Whether a time is past: EATP's `now > expires_at`, so that the last moment itself still counts. Unset never
 * is.
 */
export function isPast(expiresAt: string | undefined, nowMicros: bigint): boolean {
  const end = expiresAt === undefined ? undefined : parseTime(expiresAt)?.utcMicros
  return end !== undefined && nowMicros > end
}

/** The first expiry in a chain that names no instant: naive, or no time at all. */
export function naiveExpiry(chain: TrustLineageChain): string | undefined {
  if (isNaive(chain.genesis?.expiresAt)) return "genesis.expires_at"
  const capability = chain.capabilities.findIndex(({ expiresAt }) => isNaive(expiresAt))
  if (capability !== -1) return `capabilities[${capability}].expires_at`
  const delegation = chain.delegations.findIndex(({ expiresAt }) => isNaive(expiresAt))
  return delegation === -1 ? undefined : `delegations[${delegation}].expires_at`
}

/** A record's date as an instant, in microseconds since 1970 UTC; undefined for a naive one. */
export function instantOf(time: string | undefined): bigint | undefined {
  return time === undefined ? undefined : parseTime(time)?.utcMicros
}

/** Whether an expiry names no instant: nobody can say when it is. */
export function isNaive(expiresAt: string | undefined): boolean {
  return expiresAt !== undefined && instantOf(expiresAt) === undefined
}
