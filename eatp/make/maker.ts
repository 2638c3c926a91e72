import { isExpired } from "../rules/expiry.js"
import type { Signer } from "../signing/ed25519.js"
import { isoFromMicros } from "../time/isoTime.js"
import { instantOf } from "../time/time.js"
import type { TrustAuthority } from "../verify/authorityKeys.js"
import type { Lookup, StoredTrust } from "../verify/trustInput.js"
import { MakeError } from "./makeError.js"

/** The kinds of ids by EATP's prefixes: genesis, capability, delegation, anchor, constraint, envelope. */
export type IdKind = "gen" | "cap" | "del" | "aud" | "con" | "env"

/** What making records needs from outside, since the package has no clock and no source of ids. */
export type Maker = {
  /** The key of the authority that signs. */
  signer: Signer
  /** The time of making, in microseconds since 1970 UTC. */
  nowMicros: bigint
  /** Gives an id that no record has, such as `cap-<uuid>`. */
  newId: (kind: IdKind) => string
}

/** The chains and authorities that the rules may need. */
export type Known = { chains: Lookup<StoredTrust>; authorities: Lookup<TrustAuthority> }

/** The time of making as records write it. */
export function nowText({ nowMicros }: Maker): string {
  return isoFromMicros(nowMicros)
}

/** Throws MakeError for an expiry that is not a time, naive, or past. */
export function checkExpiry(expiresAt: string | undefined, { nowMicros }: Maker): void {
  if (expiresAt === undefined) return
  const end = instantOf(expiresAt)
  if (end === undefined) {
    throw new MakeError("INVALID_ARGUMENT", `expires_at must be a time with an offset from UTC: ${expiresAt}`)
  }
  if (isExpired(end, nowMicros)) throw new MakeError("EXPIRED", `expires_at is past: ${expiresAt}`)
}

/** The earliest of some optional expiries; undefined if all are unset. */
export function earliest(...times: (string | undefined)[]): string | undefined {
  return times.reduce((first, time) => {
    if (first === undefined || time === undefined) return first ?? time
    const [a, b] = [instantOf(first) ?? 0n, instantOf(time) ?? 0n]
    return b < a ? time : first
  }, undefined)
}

/** Distinct texts, in order of first occurrence. */
export function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
