import type { TrustLineageChain } from "@trust-registry/proto"
import type { Signer } from "../signing/ed25519.js"
import { attestCapability, type CapabilityGrant } from "./capability.js"
import type { Maker } from "./maker.js"
import { partsOf, sealed } from "./sealed.js"

/** Capabilities to add to a chain. */
export type Attestation = {
  /** Who attests: the authority whose key signs the capabilities. */
  attesterId: string
  capabilities: readonly CapabilityGrant[]
}

/**
 * Attests more capabilities to an established agent: a new chain, its state signed anew. Where the attester
 * is not the authority of the genesis record, that authority's signer is told as owner.
 *
 * @throws MakeError for an expiry that is past or naive.
 */
export async function attest(
  chain: TrustLineageChain,
  { attesterId, capabilities }: Attestation,
  maker: Maker,
  owner?: Signer,
): Promise<TrustLineageChain> {
  const holder = chain.genesis?.agentId ?? ""
  const attested = await Promise.all(
    capabilities.map((grant) => attestCapability(grant, attesterId, holder, maker)),
  )
  return sealed({ ...partsOf(chain), capabilities: [...chain.capabilities, ...attested] }, maker, owner)
}
