import type { TrustLineageChain } from "@trust-registry/proto"
import type { Signer } from "../signing/ed25519.js"
import { attestCapability, type CapabilityGrant } from "./capability.js"
import type { Known, Maker } from "./maker.js"
import { partsOf, sealed } from "./sealed.js"
import { sourceChain } from "./sourceGate.js"

/** Capabilities to add to an agent's chain. */
export type Attestation = {
  agentId: string
  /** Who attests: the authority whose key signs the capabilities. */
  attesterId: string
  capabilities: readonly CapabilityGrant[]
}

/**
 * Attests more capabilities to an established agent: gives its chain with them, the state signed anew. Where
 * the attester is not the authority of the genesis record, that authority's signer is told as owner.
 *
 * @throws MakeError for a chain that is not here, has expired or does not hold, and for an expiry that is
 * past or naive.
 */
export async function attest(
  { agentId, attesterId, capabilities }: Attestation,
  known: Known,
  maker: Maker,
  owner?: Signer,
): Promise<TrustLineageChain> {
  const { chain } = await sourceChain(agentId, known, maker)
  const attested = await Promise.all(
    capabilities.map((grant) => attestCapability(grant, attesterId, agentId, maker)),
  )
  return sealed({ ...partsOf(chain), capabilities: [...chain.capabilities, ...attested] }, maker, owner)
}
