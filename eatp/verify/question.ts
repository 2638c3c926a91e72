import type { CapabilityAttestation, GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { isPast } from "./moments.js"
import { openSignatureBook, type SignatureBook } from "./signatureBook.js"
import type { AgentRevocations, TrustInput } from "./trustInput.js"
import type { Denial } from "./verdict.js"

/** One request with the agent's chain, as the checks see it. */
export type Question = {
  input: TrustInput
  chain: TrustLineageChain
  genesis: GenesisRecord
  signatures: SignatureBook
  /** What the registry revoked in this chain. */
  revoked: AgentRevocations
  /** The capability that covers the action, if there is one. */
  capability: CapabilityAttestation | undefined
}

/** One thing that must hold; undefined: it does. */
export type Check = (question: Question) => Denial | undefined

/** The same, of what may take long and lets others have their turns. */
export type SlicedCheck = (question: Question) => Denial | undefined | Promise<Denial | undefined>

/** Puts the question to a chain that is in force. */
export function questionOf(input: TrustInput, chain: TrustLineageChain, genesis: GenesisRecord): Question {
  const revoked = input.revocations?.get(genesis.agentId) ?? {}
  const usable = chain.capabilities.filter(({ id }) => revoked.capabilities?.has(id) !== true)
  return {
    input,
    chain,
    genesis,
    revoked,
    signatures: openSignatureBook(input, chain, genesis),
    capability: capabilityFor(usable, input.request.action, input.nowMicros),
  }
}

/**
 * The capability that covers an action: one of that very name, else the first pattern; expired ones cover
 * nothing.
 */
export function capabilityFor(
  capabilities: readonly CapabilityAttestation[],
  action: string,
  nowMicros: bigint,
): CapabilityAttestation | undefined {
  const live = (capability: CapabilityAttestation) => !isPast(capability.expiresAt, nowMicros)
  return (
    capabilities.find((item) => item.capability === action && live(item)) ??
    capabilities.find((item) => capabilityCovers(item.capability, action) && live(item))
  )
}
