import type { DelegationRecord } from "@trust-registry/proto"
import type { ChainSignature } from "./chainSignatures.js"
import type { Question } from "./question.js"
import { type Denial, denial } from "./verdict.js"

/**
 * What is missing of the signatures that a delegation needs, for people; undefined if nothing is. A delegation carries one signature,
 * that of the delegator's authority, which counts if its key is among the authorized signers.
 *
 * @param own its verified signature
 */
export function missingSigners(
  { multiSigPolicy: policy }: DelegationRecord,
  { signer, outcome }: ChainSignature,
): string | undefined {
  if (policy === undefined) return undefined
  const authorized = new Set(policy.authorizedSigners.map((key) => key.toLowerCase()))
  const isAuthorized = signer?.keys.some(({ publicKey }) => authorized.has(hexOf(publicKey))) === true
  const signed = outcome === "valid" && isAuthorized ? 1n : 0n
  return signed >= policy.threshold && policy.threshold > 0n
    ? undefined
    : `${signed} of ${policy.threshold} signers`
}

/** Every delegation of the chain has the signatures that it needs, if the request asks to deny what is not enforced. */
export function quorumMet({ input, chain, signatures }: Question): Denial | undefined {
  if (input.request.denyUnenforced !== true) return undefined
  for (const delegation of chain.delegations) {
    const detail = missingSigners(delegation, signatures.delegation(delegation))
    if (detail !== undefined)
      return denial("QUORUM_NOT_MET", `Quorum not met: ${delegation.id}`, {
        facts: { id: delegation.id, detail },
      })
  }
  return undefined
}

function hexOf(publicKey: string): string {
  return Buffer.from(publicKey, "base64").toString("hex")
}
