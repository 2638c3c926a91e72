import type { TrustLineageChain } from "@trust-registry/proto"
import { keysFor, type SigningTime, type TrustAuthority } from "./authorityKeys.js"
import type { Claim } from "./claims.js"
import { instantOf } from "./moments.js"

/** What is claimed by a signature of an authority at some time: nothing over a payload that cannot be built. */
export function claimOf(
  authority: TrustAuthority | undefined,
  signature: string,
  time: SigningTime,
  payload: () => string,
): Claim {
  const text = authority && textOf(payload)
  const keys = authority === undefined || text === undefined ? [] : keysFor(authority, time)
  return { signature, text: text ?? "", keys }
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
