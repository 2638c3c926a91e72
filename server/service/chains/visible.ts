import { isInForce } from "@trust-registry/eatp"
import { type ServedChain, standingOf } from "../../store/rows/servedChain.js"

/** Whether a read without `include_inactive` returns the chain, at a time in microseconds since 1970. */
export function isVisible(chain: ServedChain, nowMicros: bigint): boolean {
  return isInForce(standingOf(chain), nowMicros)
}
