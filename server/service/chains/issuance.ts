import { type IssuanceFault, type IssuanceTime, newRecordFaults } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { MemoryReader } from "../../store/readers/memoryReader.js"
import { sentenceOf } from "../request/fields.js"
import type { KnownSigners } from "../verification/signers.js"

/**
 * Throws AUTHORITY_INACTIVE, AUTHORITY_NOT_PERMITTED or TRUST_CHAIN_INVALID for records that their authorities may not make now, unless
 * a revision of the chain that was VERIFIED had them: what was signed before stays.
 */
export async function assureIssued(
  memory: MemoryReader,
  { authorities, delegators }: KnownSigners,
  chain: TrustLineageChain,
  time: IssuanceTime,
): Promise<void> {
  const agentId = chain.genesis?.agentId ?? ""
  const suspects = await newRecordFaults(chain, { authorities, delegators }, time)
  if (suspects.length === 0) return
  const vouched = await memory.vouched(agentId)
  const faults = suspects.filter(({ signature }) => !vouched.has(signature))
  const [worst] = [...faults].sort((a, b) => RANKS[a.reason] - RANKS[b.reason])
  if (worst) throw refusal(agentId, faults, worst)
}

const RANKS = { AUTHORITY_INACTIVE: 0, AUTHORITY_NOT_PERMITTED: 1, SIGNED_LATE: 2, DELEGATION_EXCEEDED: 3 }

const REASONS = {
  AUTHORITY_INACTIVE: ErrorReason.AUTHORITY_INACTIVE,
  AUTHORITY_NOT_PERMITTED: ErrorReason.AUTHORITY_NOT_PERMITTED,
  SIGNED_LATE: ErrorReason.TRUST_CHAIN_INVALID,
  DELEGATION_EXCEEDED: ErrorReason.TRUST_CHAIN_INVALID,
}

function refusal(
  agentId: string,
  faults: IssuanceFault[],
  { reason, authorityId }: IssuanceFault,
): RegistryError {
  const violations = faults.map(({ field, description }) => ({ field, description }))
  const text = `the chain is refused: ${sentenceOf(violations)}`
  return new RegistryError(REASONS[reason], text, { violations, agentId, authorityId })
}
