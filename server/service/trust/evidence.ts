import {
  type AgentRevocations,
  type DenialReason,
  effectiveExpiry,
  isExpired,
  type TrustInput,
} from "@trust-registry/eatp"
import type { TrustReader } from "../../store/cache/trustReader.js"
import { isActive, revocationsOf, type ServedChain } from "../../store/chains/servedChain.js"
import type { Depends } from "../../store/chains/writes.js"
import { lineageProblem } from "./lineageProblem.js"
import { type KnownSigners, signersOf } from "./signers.js"
import type { Standpoint } from "./standpoint.js"

/** What trust in an agent is judged by. */
export interface Evidence {
  /** The agent's chain; null: none is stored. */
  stored: ServedChain | null
  /** Everything but the question. */
  input: Omit<TrustInput, "request">
  /** Why trust is denied before EATP's rules are asked. */
  denied?: { reason: DenialReason; text: string }
  /** The revisions at which all but the agent's chain was seen. */
  depends: Depends
}

/**
 * Gathers what is known of an agent and of those above it.
 *
 * @param reach `all`: with every authority on the way up, as a path needs them
 */
export async function evidenceOf(
  { reader, nowMicros }: Standpoint,
  agentId: string,
  reach: "direct" | "all" = "direct",
): Promise<Evidence> {
  const stored = await reader.getChain(agentId)
  const nothing = { nowMicros, chains: new Map(), authorities: new Map() }
  if (!stored) return { stored, input: nothing, depends: { chains: {}, authorities: {} } }
  const chain = stored.chain()
  const signers = await signersOf(reader, chain, nowMicros, reach)
  const { delegators, authorities, firstStored, depends } = signers
  // One that is revoked is denied for that, and not as if it were not there.
  const own = { chain, active: stored.status !== "deleted" }
  const chains = { get: (id: string) => (id === agentId ? own : delegators.get(id)) }
  const revocations = await allRevocations(reader, signers)
  revocations.set(agentId, revocationsOf(stored, nowMicros))
  const input = { nowMicros, chains, authorities, revocations, ...(firstStored && { firstStored }) }
  const evidence = { stored, input, depends }
  if (registrationExpired(stored, nowMicros))
    return { ...evidence, denied: { reason: "TRUST_CHAIN_EXPIRED", text: "Trust chain expired" } }
  const misplaced = lineageProblem(chain, signers)
  if (misplaced === undefined) return evidence
  return { ...evidence, denied: { reason: "EVALUATION_FAILED", text: `The delegations ${misplaced}` } }
}

/** A delegator whose chain was removed for good must not delegate again: softly deleted, it already did not. */
async function allRevocations(reader: TrustReader, { revocations, missing }: KnownSigners) {
  const gone = missing.length === 0 ? [] : await reader.goneAgents(missing)
  return new Map<string, AgentRevocations>([
    ...revocations,
    ...Array.from(gone, (id) => [id, { agent: true }] as const),
  ])
}

/** Whether a chain expired by its registration alone, earlier than its own records say: EATP has no such expiry. */
function registrationExpired(stored: ServedChain, nowMicros: bigint): boolean {
  if (!isActive(stored, nowMicros) || !isExpired(stored.expiresAt, nowMicros)) return false
  return !isExpired(effectiveExpiry(stored.chain()), nowMicros)
}
