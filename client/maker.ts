import { randomUUID } from "node:crypto"
import type { Maker, Signer } from "@trust-registry/eatp"

/**
 * A maker for `establish`, `attest`, `delegate`, `audit` and `resign`: it signs with the signer, a key in memory or
 * whatever has `sign(bytes)`, such as a KMS; ids are UUIDs behind EATP's prefixes, and the moment is now unless told.
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
