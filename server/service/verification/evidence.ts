import {
  type AgentRevocations,
  type DenialReason,
  type Explained,
  effectiveExpiry,
  explained,
  type IssuanceTime,
  isExpired,
  isoFromMicros,
  newRecordFaults,
  nextTurn,
  type TrustInput,
} from "@trust-registry/eatp"
import type { Depends } from "../../store/chains/writes.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import { isActive, revocationsOf, type ServedChain, statusOf } from "../../store/rows/servedChain.js"
import type { ReadSnapshot } from "../request/readSnapshot.js"
import { addDescendants } from "./descent.js"
import { lineageProblem } from "./lineageProblem.js"
import { type KnownSigners, signersOf } from "./signers.js"

/** What a verdict about an agent is based on. */
export interface Evidence {
  /** The agent's chain; null if none is stored. */
  stored: ServedChain | null
  /** The input of verification, without the request. */
  input: Omit<TrustInput, "request">
  /** Why trust is denied before EATP's rules are applied. */
  denied?: Explained & { reason: DenialReason; text: string }
  /** The revisions at which everything but the agent's chain was read. */
  depends: Depends
}

/** A chain of more bytes takes a turn to decode. */
const LARGE_BYTES = 65_536

/** What evidence is gathered, and how it is judged. */
export interface EvidenceRules {
  /** `all` includes every authority on the way up, for a full path. */
  reach: "direct" | "all"
  /** As ChainRules.maxRecordAgeMs. */
  maxRecordAgeMs: number
}

/** Gathers the stored records about an agent and its ancestors. */
export async function evidenceOf(
  { reader, nowMicros }: ReadSnapshot,
  agentId: string,
  { reach, maxRecordAgeMs }: EvidenceRules,
): Promise<Evidence> {
  const stored = await reader.getChain(agentId)
  const nothing = { nowMicros, chains: new Map(), authorities: new Map() }
  if (!stored) return { stored, input: nothing, depends: { chains: new Map(), authorities: new Map() } }
  const chain = stored.chain()
  if (stored.bytes.length > LARGE_BYTES) await nextTurn()
  const signers = await signersOf(reader, chain, nowMicros, reach)
  const { delegators, authorities, firstStored, depends } = signers
  // A revoked or suspended chain is denied for that reason, and not as if it were missing.
  const own = { chain, active: stored.status !== "deleted", status: statusOf(stored, nowMicros) }
  const chains = { get: (id: string) => (id === agentId ? own : delegators.get(id)) }
  const revocations = await allRevocations(reader, signers)
  revocations.set(agentId, revocationsOf(stored, nowMicros))
  await addDescendants(revocations, new Map([...signers.served, [agentId, stored]]), nowMicros)
  const options = { quickNeedsAuthority: true }
  const input = { nowMicros, chains, authorities, revocations, options, ...(firstStored && { firstStored }) }
  const evidence = { stored, input, depends }
  if (registrationExpired(stored, nowMicros)) return { ...evidence, denied: expiredDenial(agentId, stored) }
  const unissued = await unissuedDenial(stored, signers, {
    nowMicros,
    maxAgeMicros: BigInt(maxRecordAgeMs) * 1000n,
  })
  if (unissued) return { ...evidence, denied: unissued }
  const misplaced = await lineageProblem(chain, signers)
  if (misplaced === undefined) return evidence
  const words = explained("EVALUATION_FAILED", {
    agentId,
    action: "",
    detail: `its delegations ${misplaced}`,
  })
  return {
    ...evidence,
    denied: { reason: "EVALUATION_FAILED", text: `The delegations ${misplaced}`, ...words },
  }
}

/**
 * A chain that is not VERIFIED was stored when a signer was not known, so nobody asked whether it might sign. If it is known by now, the
 * chain is judged as if it were stored now, as are those above it.
 */
async function unissuedDenial(
  stored: ServedChain,
  { authorities, delegators, unverified }: KnownSigners,
  time: IssuanceTime,
): Promise<Evidence["denied"]> {
  const chains = stored.verified ? unverified : [stored.chain(), ...unverified]
  for (const chain of chains) {
    const [fault] = await newRecordFaults(chain, { authorities, delegators }, time)
    if (fault === undefined) continue
    const { reason, authorityId, field, description } = fault
    const holderId = chain.genesis?.agentId ?? ""
    const detail = field.replace(/^chain\.|\.signature$/g, "")
    const facts = { agentId: holderId, action: "", authorityId, detail }
    return { reason, text: `${field} ${description}`, ...explained(reason, facts) }
  }
  return undefined
}

function expiredDenial(agentId: string, { expiresAt }: ServedChain) {
  const since = expiresAt === null ? undefined : isoFromMicros(expiresAt)
  const words = explained("TRUST_CHAIN_EXPIRED", { agentId, action: "", since })
  return { reason: "TRUST_CHAIN_EXPIRED" as const, text: "Trust chain expired", ...words }
}

/** A purged delegator counts as revoked: a purge must not reinstate delegations that a soft delete had put out of force. */
async function allRevocations(reader: TrustReader, { revocations, missing }: KnownSigners) {
  const gone = missing.length === 0 ? [] : await reader.goneAgents(missing)
  return new Map<string, AgentRevocations>([
    ...revocations,
    ...Array.from(gone, (id) => [id, { agent: true }] as const),
  ])
}

/** Whether only the registration of a chain has expired, before its own records. EATP does not know this kind of expiry. */
function registrationExpired(stored: ServedChain, nowMicros: bigint): boolean {
  if (!isActive(stored, nowMicros) || !isExpired(stored.expiresAt, nowMicros)) return false
  return !isExpired(effectiveExpiry(stored.chain()), nowMicros)
}
