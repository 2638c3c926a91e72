import { AuthorityPermission, type TrustLineageChain } from "@trust-registry/proto"
import type { Signer } from "../signing/ed25519.js"
import { attestCapability, type CapabilityGrant } from "./capability.js"
import { assureMayIssue } from "./issuer.js"
import type { Known, Maker } from "./maker.js"
import { partsOf, sealed } from "./sealed.js"
import { sourceChain } from "./sourceGate.js"

/** Capabilities to attest to an agent. */
export type Attestation = {
  agentId: string
  /** The authority that attests: its key signs the capabilities. */
  attesterId: string
  capabilities: readonly CapabilityGrant[]
}

/**
 * Attests more capabilities to an established agent: gives its chain with them and a new chain-state signature.
 *
 * @param owner the signer of the genesis record's authority, if that is not the attester
 * @throws MakeError if the chain is unknown, expired or not valid, for an expiry that is past or naive, and for an authority that
 * is inactive or may not attest.
 */
export async function attest(
  { agentId, attesterId, capabilities }: Attestation,
  known: Known,
  maker: Maker,
  owner?: Signer,
): Promise<TrustLineageChain> {
  const { chain, genesis } = await sourceChain(agentId, known, maker)
  assureMayIssue(known.authorities.get(attesterId), AuthorityPermission.GRANT_CAPABILITIES)
  assureMayIssue(known.authorities.get(genesis.authorityId))
  const attested = await Promise.all(
    capabilities.map((grant) => attestCapability(grant, attesterId, agentId, maker)),
  )
  return sealed({ ...partsOf(chain), capabilities: [...chain.capabilities, ...attested] }, maker, owner)
}
