import type { CapabilityAttestation, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { isEffective, isExpired } from "../rules/expiry.js"
import { delegationsFor, runningDelegations } from "../rules/runningDelegations.js"
import type { TrustRecognition } from "./authorityKeys.js"
import type { TrustInput } from "./trustInput.js"

/** The authority that attested a capability; a capability that names none was attested by its agent's own. */
export function attesterOf({ genesis }: TrustLineageChain, { attesterId }: CapabilityAttestation): string {
  return attesterId || (genesis?.authorityId ?? "")
}

/**
 * Whether the word of its attester counts for a capability of a chain: it is the genesis authority, that recognises it for such a
 * name now, or a delegation in the chain that is in force delegates the name from an agent of the attester. Where it is not known whom an
 * authority recognises, every attester counts, as in EATP's reference implementation.
 */
export function isRecognised(
  capability: CapabilityAttestation,
  chain: TrustLineageChain,
  input: TrustInput,
): boolean {
  const attester = attesterOf(chain, capability)
  const owner = chain.genesis?.authorityId ?? ""
  if (attester === owner) return true
  const recognised = input.authorities.get(owner)?.recognised
  if (recognised === undefined) return true
  return (
    recognised.some((one) => one.authorityId === attester && recognises(one, capability, input.nowMicros)) ||
    isDelegatedBy(attester, capability, chain, input)
  )
}

function recognises(
  { capabilities, validFromMicros, validUntilMicros }: TrustRecognition,
  { capability }: CapabilityAttestation,
  nowMicros: bigint,
): boolean {
  const begun = validFromMicros === undefined || isEffective(validFromMicros, nowMicros)
  if (!begun || isExpired(validUntilMicros, nowMicros)) return false
  return capabilities.some((pattern) => capabilityCovers(pattern, capability))
}

function isDelegatedBy(
  attester: string,
  capability: CapabilityAttestation,
  chain: TrustLineageChain,
  { chains, revocations, nowMicros }: TrustInput,
): boolean {
  const revoked = revocations?.get(chain.genesis?.agentId ?? "")?.delegations
  const runs = runningDelegations(chain.delegations, nowMicros)
  return delegationsFor(chain.delegations, capability).some(
    (delegation) =>
      chains.get(delegation.delegatorId)?.chain.genesis?.authorityId === attester &&
      revoked?.has(delegation.id) !== true &&
      runs(delegation),
  )
}
