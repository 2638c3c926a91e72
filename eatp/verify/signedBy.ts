import type { TrustLineageChain } from "@trust-registry/proto"
import { verifyText } from "../signing/ed25519.js"
import { keysFor, type SigningTime, type TrustAuthority } from "./authorityKeys.js"
import { instantOf } from "./moments.js"

/**
 * Whether a key that an authority had at that time made a signature; not over a payload that cannot be built.
 */
export function isSignedBy(
  authority: TrustAuthority | undefined,
  signature: string,
  time: SigningTime,
  payload: () => string,
): boolean {
  if (authority === undefined) return false
  const text = textOf(payload)
  return (
    text !== undefined && keysFor(authority, time).some((key) => verifyText(text, signature, key.publicKey))
  )
}

/** The time of a record that has a date. */
export function madeAt(time: string): SigningTime {
  return { atMicros: instantOf(time) }
}

/**
 * The time of a chain's state, which has no date: it was signed at or after the newest record that it covers.
 */
export function stateTime({ genesis, capabilities, delegations }: TrustLineageChain): SigningTime {
  const times = [
    genesis?.createdAt,
    ...capabilities.map(({ attestedAt }) => attestedAt),
    ...delegations.map(({ delegatedAt }) => delegatedAt),
  ].map(instantOf)
  const atMicros = times.reduce((last, time) => (last === undefined || (time ?? last) > last ? time : last))
  return { atMicros, orLater: true }
}

function textOf(payload: () => string): string | undefined {
  try {
    return payload()
  } catch {
    return undefined
  }
}
