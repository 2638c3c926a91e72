import type { CapabilityAttestation, GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import type { Json } from "../json/json.js"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { isRecordExpired, isToCome } from "../rules/expiry.js"
import type { JudgedLimit } from "./bindingLimit.js"
import { type ChainSignatures, openSignatures } from "./chainSignatures.js"
import { isRecognised } from "./recognition.js"
import type { AgentRevocations, TrustInput } from "./trustInput.js"
import type { Denial } from "./verdict.js"

/** A request together with the agent's chain, which is what checks look at. */
export type Question = {
  input: TrustInput
  chain: TrustLineageChain
  genesis: GenesisRecord
  /** The signatures of the chain. */
  signatures: ChainSignatures
  /** The signatures of any chain of the input. */
  signaturesOf: ReturnType<typeof openSignatures>
  /** What the registry revoked in this chain. */
  revoked: AgentRevocations
  /** The capability that covers the action, if there is one. */
  capability: CapabilityAttestation | undefined
  /** The delegators above the agent, once they have been looked for. */
  delegators?: readonly string[]
  /** The constraints in the genesis record's metadata, once they have been read. */
  genesisConstraints?: Json[]
  /** The limits that bind what the agent wants to do, once they have been judged. */
  limits?: readonly JudgedLimit[]
}

/** Something that must hold; gives why trust is denied, or undefined. */
export type Check = (question: Question) => Denial | undefined

/** A check, or a step before one, that may take long and lets others use the event loop meanwhile. */
export type SlicedCheck = (question: Question) => Denial | undefined | Promise<Denial | undefined>

/** Prepares the question about a chain that is in force. */
export function questionOf(input: TrustInput, chain: TrustLineageChain, genesis: GenesisRecord): Question {
  const revoked = input.revocations?.get(genesis.agentId) ?? {}
  const usable = chain.capabilities.filter(
    (capability) =>
      revoked.capabilities?.has(capability.id) !== true &&
      !isToCome(capability, input.nowMicros) &&
      isRecognised(capability, chain, input),
  )
  const signaturesOf = openSignatures(input)
  return {
    input,
    chain,
    genesis,
    revoked,
    signatures: signaturesOf(chain, genesis),
    signaturesOf,
    capability: capabilityFor(usable, input.request.action, input.nowMicros),
  }
}

/**
 * The capability that covers an action: the one with exactly that name, or else the first pattern that matches.
 * Expired capabilities and those without a name cover nothing.
 */
export function capabilityFor(
  capabilities: readonly CapabilityAttestation[],
  action: string,
  nowMicros: bigint,
): CapabilityAttestation | undefined {
  const isLive = (capability: CapabilityAttestation) => !isRecordExpired(capability, nowMicros)
  return (
    capabilities.find((item) => action !== "" && item.capability === action && isLive(item)) ??
    capabilities.find((item) => capabilityCovers(item.capability, action) && isLive(item))
  )
}
