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
 * A chain with its envelope made anew from its records and its state signed by the owner, the authority of
 * its genesis record: what every change of capabilities or delegations ends with.
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

/** The parts of a chain, to make another of: the records themselves are shared, and never changed. */
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
