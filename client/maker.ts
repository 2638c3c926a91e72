import { randomUUID } from "node:crypto"
import type { Maker, Signer } from "@trust-registry/eatp"

/**
 * Returns a maker for `establish`, `attest`, `delegate`, `audit` and `resign`. The signer is a key in memory or anything
 * with `sign(bytes)`, such as a KMS. Ids are UUIDs with EATP's prefixes; the time is now unless you pass one.
 *
 * @example
 * const { privateKey } = generateKeyPair()
 * const chain = await establish(
 *   {
 *     agentId: "agent-7",
 *     authorityId: "org-acme",
 *     authorityType: AuthorityType.ORGANIZATION,
 *     capabilities: [{ capability: "read_data", capabilityType: CapabilityType.ACCESS }],
 *   },
 *   makerOf(memorySigner(privateKey)),
 * )
 */
export function makerOf<Held extends Signer>(signer: Held, at = new Date()): Maker & { signer: Held } {
  if (Number.isNaN(at.getTime())) throw new TypeError("at is no date")
  return {
    signer,
    nowMicros: BigInt(at.getTime()) * 1000n,
    newId: (kind) => `${kind}-${randomUUID()}`,
  }
}
