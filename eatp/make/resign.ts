import { clone } from "@bufbuild/protobuf"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { delegationPayload } from "../signing/delegationPayload.js"
import { type Signer, signText } from "../signing/ed25519.js"
import {
  auditAnchorPayload,
  CAPABILITY_SUBJECT_BOUND,
  capabilityPayload,
  chainStatePayload,
  genesisPayload,
} from "../signing/recordPayload.js"
import type { Known, Maker } from "./maker.js"
import { signReasoning } from "./reasoned.js"
import { chainToRenew } from "./sourceGate.js"

/**
 * Signs anew what one authority signed in a chain, records unchanged: for a key that is replaced, and for old
 * chains whose capabilities name no holder or whose state is unsigned, both of which it mends. Only a chain
 * that holds is signed again. Where a key has a validity window, records dated in an earlier one need not be
 * signed again and would not verify with it.
 *
 * @throws MakeError for a chain that is not here, has expired or does not hold.
 */
export async function resign(
  agentId: string,
  authorityId: string,
  known: Known,
  maker: Pick<Maker, "signer" | "nowMicros">,
): Promise<TrustLineageChain> {
  const chain = clone(TrustLineageChainSchema, (await chainToRenew(agentId, known, maker)).chain)
  await signCapabilities(chain, authorityId, maker.signer)
  await signDelegations(chain, authorityId, known, maker.signer)
  if (chain.genesis?.authorityId === authorityId) await signOwn(chain, maker.signer)
  return chain
}

async function signCapabilities(
  chain: TrustLineageChain,
  authorityId: string,
  signer: Signer,
): Promise<void> {
  for (const capability of chain.capabilities) {
    if ((capability.attesterId || chain.genesis?.authorityId) !== authorityId) continue
    capability.signingPayloadVersion = CAPABILITY_SUBJECT_BOUND
    const payload = capabilityPayload(capability, chain.genesis?.agentId ?? "")
    capability.signature = await signText(signer, payload)
  }
}

async function signDelegations(
  chain: TrustLineageChain,
  authorityId: string,
  known: Known,
  signer: Signer,
): Promise<void> {
  for (const delegation of chain.delegations) {
    const delegator = known.chains.get(delegation.delegatorId)
    if (delegator?.chain.genesis?.authorityId !== authorityId) continue
    delegation.signature = await signText(signer, delegationPayload(delegation))
  }
}

// What the authority of the genesis record signs besides: that record, anchors, reasoning traces, the state.
async function signOwn(chain: TrustLineageChain, signer: Signer): Promise<void> {
  if (chain.genesis !== undefined)
    chain.genesis.signature = await signText(signer, genesisPayload(chain.genesis))
  for (const anchor of chain.auditAnchors)
    anchor.signature = await signText(signer, auditAnchorPayload(anchor))
  for (const record of [...chain.delegations, ...chain.auditAnchors]) await signReasoning(record, signer)
  chain.chainStateSignature = await signText(signer, chainStatePayload(chain))
}
