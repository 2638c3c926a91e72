import type { GenesisRecord, TrustLineageChain } from "@trust-registry/proto"
import { MAX_DELEGATION_DEPTH } from "../rules/lineage.js"
import {
  type CapabilityRung,
  type DelegationRung,
  downFrom,
  type Ladder,
  type Rung,
  runningRungs,
} from "./climb.js"
import { isNaive, isPast } from "./moments.js"
import { isRevoked } from "./revocationChecks.js"
import { openSignatureBook, type SignatureBook } from "./signatureBook.js"
import type { TrustInput } from "./trustInput.js"
import type { DenialReason } from "./verdict.js"

/** Why a way up ends where it should go on. */
export type PathFault = {
  reason: DenialReason
  /** For people. */
  detail: string
  /** The agent whose genesis record it is about; unset: the record itself. */
  genesisOf?: string
}

/**
 * Tells what is wrong with a record on the way up, if anything is: it is not revoked, has not expired, is
 * signed, and leads on to an agent that is in force. No signature is verified twice.
 */
export function openPathChecks(input: TrustInput, ladder: Ladder): (rung: Rung) => PathFault | undefined {
  const books = new Map<TrustLineageChain, SignatureBook>()
  const bookOf = (chain: TrustLineageChain, genesis: GenesisRecord) => {
    const book = books.get(chain) ?? openSignatureBook(input, chain, genesis)
    books.set(chain, book)
    return book
  }
  const runs = runningRungs(input.nowMicros)

  const revoked = (rung: Rung) => input.revocations !== undefined && isRevoked(rung, input.revocations)

  const capabilityFault = (rung: CapabilityRung): PathFault | undefined => {
    const { record, chain, agentId } = rung
    const { genesis } = chain
    if (genesis === undefined) return fault("CHAIN_UNSIGNED", "its chain has no genesis record")
    if (revoked(rung)) return fault("CAPABILITY_REVOKED", "revoked")
    if (isNaive(record.expiresAt)) return fault("NAIVE_EXPIRY", "its expiry has no offset from UTC")
    if (isPast(record.expiresAt, input.nowMicros)) return fault("CAPABILITY_EXPIRED", "expired")
    const attester = record.attesterId || genesis.authorityId
    if (input.authorities.get(attester) === undefined) return unknownAuthority(attester)
    if (!bookOf(chain, genesis).capability(record))
      return fault("CAPABILITY_SIGNATURE_INVALID", "its signature does not hold")
    // The holder of any other was looked at with the delegation that led to it.
    return rung.below === undefined ? genesisFault(agentId, chain, genesis) : undefined
  }

  const delegationFault = (rung: DelegationRung): PathFault | undefined => {
    const { record, chain, agentId } = rung
    if (revoked(rung)) return fault("REVOKED", "revoked")
    if (isNaive(record.expiresAt)) return fault("NAIVE_EXPIRY", "its expiry has no offset from UTC")
    if (!runs(rung)) return fault("DELEGATION_EXPIRED", "expired, or one above it in its chain has")
    if (record.delegateeId !== agentId) return fault("PATH_BROKEN", "it delegates to another agent")
    if (hopsOf(rung) > MAX_DELEGATION_DEPTH)
      return fault("PATH_BROKEN", `more than ${MAX_DELEGATION_DEPTH} hops above the agent`)
    const delegator = input.chains.get(record.delegatorId)
    const above = delegator?.chain.genesis
    if (delegator === undefined || above?.agentId !== record.delegatorId)
      return fault("DELEGATOR_NOT_FOUND", "no chain of its delegator is here")
    const authority = input.authorities.get(above.authorityId)
    if (authority === undefined) return unknownAuthority(above.authorityId)
    if (chain.genesis === undefined || bookOf(chain, chain.genesis).delegation(record, authority) !== true)
      return fault("DELEGATION_SIGNATURE_INVALID", "its signature does not hold")
    if (!delegator.active || input.revocations?.get(record.delegatorId)?.agent === true)
      return { ...fault("DELEGATOR_INACTIVE", "its chain is not in force"), genesisOf: record.delegatorId }
    return genesisFault(record.delegatorId, delegator.chain, above) ?? nothingCovers(rung)
  }

  const genesisFault = (
    genesisOf: string,
    chain: TrustLineageChain,
    genesis: GenesisRecord,
  ): PathFault | undefined => {
    const { authorityId, expiresAt } = genesis
    if (isNaive(expiresAt))
      return { ...fault("NAIVE_EXPIRY", "its expiry has no offset from UTC"), genesisOf }
    if (isPast(expiresAt, input.nowMicros)) return { ...fault("TRUST_CHAIN_EXPIRED", "expired"), genesisOf }
    if (input.authorities.get(authorityId) === undefined)
      return { ...unknownAuthority(authorityId), genesisOf }
    if (bookOf(chain, genesis).genesis()) return undefined
    return { ...fault("GENESIS_SIGNATURE_INVALID", "its signature does not hold"), genesisOf }
  }

  const nothingCovers = (rung: DelegationRung): PathFault | undefined => {
    if (ladder.above(rung).length > 0) return undefined
    const name = JSON.stringify(rung.below.record.capability)
    return fault("PATH_BROKEN", `its delegator has no capability that covers ${name}`)
  }

  return (rung) => (rung.kind === "CAPABILITY" ? capabilityFault(rung) : delegationFault(rung))
}

function hopsOf(rung: DelegationRung): number {
  return downFrom(rung).filter(({ kind }) => kind === "DELEGATION").length
}

function unknownAuthority(id: string): PathFault {
  return fault("AUTHORITY_UNKNOWN", `its authority ${JSON.stringify(id)} is not known`)
}

function fault(reason: DenialReason, detail: string): PathFault {
  return { reason, detail }
}
