import { create } from "@bufbuild/protobuf"
import {
  type AuditAnchor,
  type CapabilityAttestation,
  type ConstraintEnvelope,
  type DelegationRecord,
  type GenesisRecord,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { type Signer, signText } from "../signing/ed25519.js"
import { chainStatePayload } from "../signing/recordPayload.js"
import { envelopeOf } from "./envelope.js"
import type { Maker } from "./maker.js"

/** The records that a chain is made of. */
export type ChainParts = {
  genesis?: GenesisRecord
  capabilities?: CapabilityAttestation[]
  delegations?: DelegationRecord[]
  constraintEnvelope?: ConstraintEnvelope
  auditAnchors?: AuditAnchor[]
  chainStateSignature?: string
}

/**
 * Completes a chain after a change of capabilities or delegations: derives its envelope from the records and signs its
 * state with the owner's key, that of the genesis authority.
 */
export async function sealed(
  parts: ChainParts,
  maker: Maker,
  owner: Signer = maker.signer,
): Promise<TrustLineageChain> {
  const chain = create(TrustLineageChainSchema, parts)
  chain.constraintEnvelope = envelopeOf(chain, maker)
  chain.chainStateSignature = await signText(owner, chainStatePayload(chain))
  return chain
}

/** The parts of a chain from which to make another. Shares the records, which are never changed. */
export function partsOf(chain: TrustLineageChain): ChainParts {
  const { genesis, capabilities, delegations, constraintEnvelope, auditAnchors, chainStateSignature } = chain
  return {
    ...(genesis === undefined ? {} : { genesis }),
    capabilities: [...capabilities],
    delegations: [...delegations],
    ...(constraintEnvelope === undefined ? {} : { constraintEnvelope }),
    auditAnchors: [...auditAnchors],
    ...(chainStateSignature === undefined ? {} : { chainStateSignature }),
  }
}
