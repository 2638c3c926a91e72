import type { GenesisRecord } from "@trust-registry/proto"
import { isNaive, isRecordExpired, isToCome } from "../rules/expiry.js"
import { MAX_DELEGATION_DEPTH } from "../rules/lineage.js"
import type { ChainSignature } from "./chainSignatures.js"
import {
  type CapabilityStep,
  type DelegationStep,
  type PathStep,
  runningSteps,
  type StepsAbove,
  stepsDown,
} from "./pathSteps.js"
import type { Question } from "./question.js"
import { missingSigners } from "./quorum.js"
import { attesterOf, isRecognised } from "./recognition.js"
import { isRevoked } from "./revocationChecks.js"
import type { DenialFacts, DenialReason } from "./verdict.js"
import { verifySignatures } from "./verifySignatures.js"

/** Why a path does not go on above a step. */
export type PathFault = {
  reason: DenialReason
  /** For people. */
  detail: string
  /** The agent whose genesis record is at fault; unset: the record of the step is. */
  genesisOf?: string
  /** What the sentence for people names beyond the record. */
  facts?: Partial<DenialFacts>
  /** The signature that does not verify. */
  signature?: ChainSignature
}

// A step that is sound as far as can be said without its signatures.
type Pending = { needs: ChainSignature[]; validate: () => PathFault | undefined }

/**
 * Finds what is wrong with each of some steps, if anything: a record must not be revoked or expired, must be signed,
 * and must lead on to an agent that is in force.
 */
export function openPathChecks(
  { input, signaturesOf }: Pick<Question, "input" | "signaturesOf">,
  above: StepsAbove,
): (steps: readonly PathStep[]) => Promise<(PathFault | undefined)[]> {
  const runs = runningSteps(input.nowMicros)

  const recordFault = (step: PathStep): PathFault | undefined => {
    const { record, kind } = step
    if (input.revocations !== undefined && isRevoked(step, input.revocations))
      return fault(kind === "CAPABILITY" ? "CAPABILITY_REVOKED" : "REVOKED", "revoked")
    if (isNaive(record.expiresAt)) return fault("NAIVE_EXPIRY", "its expiry has no offset from UTC")
    return undefined
  }

  const capabilityFault = (step: CapabilityStep): PathFault | Pending => {
    const { record, chain, agentId } = step
    const { genesis } = chain
    if (genesis === undefined) return fault("CHAIN_UNSIGNED", "its chain has no genesis record")
    const found = recordFault(step)
    if (found !== undefined) return found
    if (isRecordExpired(record, input.nowMicros)) return fault("CAPABILITY_EXPIRED", "expired")
    if (isToCome(record, input.nowMicros))
      return { ...fault("NOT_YET_VALID", "attested in the future"), facts: { since: record.attestedAt } }
    if (!isRecognised(record, chain, input)) {
      const authorityId = attesterOf(chain, record)
      const detail = `authority ${JSON.stringify(genesis.authorityId)} does not recognise its attester ${JSON.stringify(authorityId)}`
      return { ...fault("ATTESTER_NOT_RECOGNISED", detail), facts: { authorityId } }
    }
    const signatures = signaturesOf(chain, genesis)
    const own = signatures.capability(record)
    const unusable = unusableAuthority(attesterOf(chain, record), own)
    if (unusable !== undefined) return unusable
    // The holder of a delegated capability was checked with the delegation that led to it.
    const source = step.below === undefined ? signatures.genesis() : undefined
    return {
      needs: source === undefined ? [own] : [own, source],
      validate: () => {
        if (own.outcome !== "valid")
          return { ...fault("CAPABILITY_SIGNATURE_INVALID", UNVERIFIED), signature: own }
        return source && genesisFault(agentId, genesis, source)
      },
    }
  }

  const delegationFault = (step: DelegationStep): PathFault | Pending => {
    const { record, chain, agentId } = step
    const { delegatorId } = record
    const found = recordFault(step)
    if (found !== undefined) return found
    if (!runs(step)) return fault("DELEGATION_EXPIRED", "expired, or its parent delegation is")
    if (record.delegateeId !== agentId) return fault("PATH_BROKEN", "it delegates to another agent")
    if (hopsOf(step) > MAX_DELEGATION_DEPTH)
      return fault("PATH_BROKEN", `more than ${MAX_DELEGATION_DEPTH} hops above the agent`)
    const delegator = input.chains.get(delegatorId)
    const genesis = delegator?.chain.genesis
    if (delegator === undefined || genesis?.agentId !== delegatorId)
      return {
        ...fault("DELEGATOR_NOT_FOUND", "the chain of its delegator is not known"),
        facts: { id: delegatorId },
      }
    const source = signaturesOf(delegator.chain, genesis).genesis()
    const unusable = unusableAuthority(genesis.authorityId, source)
    if (unusable !== undefined) return unusable
    const own = chain.genesis && signaturesOf(chain, chain.genesis).delegation(record)
    return {
      needs: own === undefined ? [] : [own, source],
      validate: () => {
        if (own?.outcome !== "valid")
          return { ...fault("DELEGATION_SIGNATURE_INVALID", UNVERIFIED), ...(own && { signature: own }) }
        const missing = missingSigners(record, own)
        if (missing !== undefined) return { ...fault("QUORUM_NOT_MET", missing), facts: { detail: missing } }
        if (!delegator.active || input.revocations?.get(delegatorId)?.agent === true)
          return {
            ...fault("DELEGATOR_INACTIVE", "its chain is not in force"),
            genesisOf: delegatorId,
            facts: { id: delegatorId },
          }
        return genesisFault(delegatorId, genesis, source) ?? uncovered(step)
      },
    }
  }

  const genesisFault = (
    genesisOf: string,
    genesis: GenesisRecord,
    signature: ChainSignature,
  ): PathFault | undefined => {
    const faultOf = (reason: DenialReason, detail: string) => ({ ...fault(reason, detail), genesisOf })
    if (isNaive(genesis.expiresAt)) return faultOf("NAIVE_EXPIRY", "its expiry has no offset from UTC")
    if (isRecordExpired(genesis, input.nowMicros)) return faultOf("TRUST_CHAIN_EXPIRED", "expired")
    const unusable = unusableAuthority(genesis.authorityId, signature)
    if (unusable !== undefined) return { ...unusable, genesisOf }
    if (signature.outcome === "valid") return undefined
    return { ...faultOf("GENESIS_SIGNATURE_INVALID", UNVERIFIED), signature }
  }

  const uncovered = (step: DelegationStep): PathFault | undefined => {
    if (above(step).length > 0) return undefined
    const name = JSON.stringify(step.below.record.capability)
    return fault("PATH_BROKEN", `its delegator has no capability that covers ${name}`)
  }

  return async (steps) => {
    const checked = steps.map((step) =>
      step.kind === "CAPABILITY" ? capabilityFault(step) : delegationFault(step),
    )
    await verifySignatures(checked.flatMap((found) => ("needs" in found ? found.needs : [])))
    return checked.map((found) => ("needs" in found ? found.validate() : found))
  }
}

const UNVERIFIED = "its signature does not verify"

function hopsOf(step: DelegationStep): number {
  return stepsDown(step).filter(({ kind }) => kind === "DELEGATION").length
}

function unusableAuthority(id: string, { signer }: ChainSignature): PathFault | undefined {
  const facts = { authorityId: id }
  if (signer === undefined)
    return { ...fault("AUTHORITY_UNKNOWN", `its authority ${JSON.stringify(id)} is not known`), facts }
  const { unsigned: detail } = signer
  if (detail === undefined) return undefined
  return {
    ...fault("AUTHORITY_UNSIGNED", `the keys of ${JSON.stringify(id)} are not its own word: ${detail}`),
    facts: { ...facts, detail },
  }
}

function fault(reason: DenialReason, detail: string): PathFault {
  return { reason, detail }
}
