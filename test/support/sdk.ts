import { connect, type TrustRegistry } from "@trust-registry/client"
import { scaled } from "./slowness.js"

/** Connects with the SDK, with a default deadline scaled to this machine. */
export function connectSdk(...[address, options]: Parameters<typeof connect>): TrustRegistry {
  return connect(address, { timeoutMs: scaled(30_000), ...options })
}
