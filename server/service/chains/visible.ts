import { isActive, type ServedChain } from "../../store/rows/servedChain.js"

/** Whether a chain is given to whoever does not ask for inactive ones, at a moment in milliseconds since 1970. */
export function isVisible(chain: ServedChain, nowMs: number): boolean {
  return isActive(chain, nowMs) && nowMs <= chain.expiresAtMs
}
