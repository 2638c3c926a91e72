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
 * Renews the signatures of one authority in a chain and leaves the records as they are. Use it when a key is replaced, or
 * to upgrade old chains with legacy capabilities or an unsigned state. Signs only a valid chain. If the new key has a
 * validity window, records dated before it need no new signature and would not verify with one.
 *
 * @throws MakeError if the chain is unknown, expired or not valid.
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
  if (chain.genesis?.authorityId === authorityId) await signAsGenesisAuthority(chain, maker.signer)
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

// The genesis authority also signs the genesis record, anchors, reasoning traces and the state.
async function signAsGenesisAuthority(chain: TrustLineageChain, signer: Signer): Promise<void> {
  if (chain.genesis !== undefined)
    chain.genesis.signature = await signText(signer, genesisPayload(chain.genesis))
  for (const anchor of chain.auditAnchors)
    anchor.signature = await signText(signer, auditAnchorPayload(anchor))
  for (const record of [...chain.delegations, ...chain.auditAnchors]) await signReasoning(record, signer)
  chain.chainStateSignature = await signText(signer, chainStatePayload(chain))
}
