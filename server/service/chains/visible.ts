import { isInForce } from "@trust-registry/eatp"
import { type ServedChain, standingOf } from "../../store/rows/servedChain.js"

/** Whether a reader that does not ask for inactive chains gets this one, at a moment in microseconds since 1970. */
export function isVisible(chain: ServedChain, nowMicros: bigint): boolean {
  return isInForce(standingOf(chain), nowMicros)
}
