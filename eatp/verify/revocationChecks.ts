import type { CapabilityAttestation } from "@trust-registry/proto"
import { byCodePoint } from "../json/codePointOrder.js"
import { pythonStr } from "../python/pythonStr.js"
import { revokedIds, type SignedLedger } from "../revocation/signedLedger.js"
import { climb, type Ladder, openLadder, type Rung } from "./climb.js"
import type { Question } from "./question.js"
import type { AgentRevocations, Lookup } from "./trustInput.js"
import { nextTurn } from "./turns.js"
import { type Denial, denial } from "./verdict.js"

/**
 * The signed ledger must hold, and name neither the agent nor a delegation of its (EATP VERIFY, all levels).
 */
export function notInLedger({ input, chain, genesis }: Question): Denial | undefined {
  if (input.ledger === undefined) return undefined
  const revoked = readLedger(input.ledger)
  if (typeof revoked === "string") {
    const text = "Revocation ledger unverifiable — fail-closed deny (signed ledger is authoritative): "
    return denial("REVOCATION_UNVERIFIABLE", text + revoked)
  }
  const ids = [genesis.agentId, ...chain.delegations.map(({ id }) => id)].filter((id) => revoked.has(id))
  if (ids.length === 0) return undefined
  const listed = pythonStr([...new Set(ids)].sort(byCodePoint))
  return denial(
    "REVOKED",
    `Delegation revoked per the owner-signed revocation ledger (authoritative): ${listed}`,
  )
}

/**
 * The registry must have revoked neither the agent nor a delegation of its; one revocation denies all, as in
 * the ledger.
 */
export function notRevoked({ chain, genesis, revoked }: Question): Denial | undefined {
  if (revoked.agent === true) return denial("REVOKED", `Agent revoked: ${genesis.agentId}`)
  const delegation = chain.delegations.find(({ id }) => revoked.delegations?.has(id) === true)
  return delegation && denial("REVOKED", `Delegation revoked: ${delegation.id}`)
}

/**
 * Everybody who delegated, however far up as their chains are here, must be in force; EATP asks so at FULL only.
 */
export function delegatorsInForce(question: Question): Denial | undefined {
  const { chains, revocations } = question.input
  for (const delegatorId of delegatorsAbove(question)) {
    const revoked = revocations?.get(delegatorId)?.agent === true
    if (revoked || chains.get(delegatorId)?.active === false)
      return denial("DELEGATOR_INACTIVE", `Delegator inactive: ${delegatorId}`)
  }
  return undefined
}

/**
 * A capability that was delegated is worth what it was delegated from: not where all that covers it in the chains of
 * who delegated it, as far as they are here, is revoked or was itself delegated only from such. Expiry is not looked
 * at.
 */
export function sourceNotRevoked(question: Question): Denial | undefined | Promise<Denial | undefined> {
  const { capability } = question
  const { revocations } = question.input
  if (capability === undefined || revocations === undefined) return undefined
  // Seldom is anything revoked above, and to see that is cheaper than to climb.
  const above = Array.from(delegatorsAbove(question), (id) => revocations.get(id))
  if (!above.some((found) => found?.capabilities?.size || found?.delegations?.size)) return undefined
  return someSourceStands(question, capability, revocations)
}

// As many records are looked at before others have their turn.
const SLICE = 32

async function someSourceStands(
  { chain, genesis, input }: Question,
  capability: CapabilityAttestation,
  revocations: Lookup<AgentRevocations>,
): Promise<Denial | undefined> {
  const ladder = openLadder(input.chains)
  const revoked = (rung: Rung) => isRevoked(rung, revocations)
  const walk = climb({ kind: "CAPABILITY", agentId: genesis.agentId, chain, record: capability }, ladder)
  let first: Rung | undefined
  let done = 0
  for (let turn = walk.next(); turn.done !== true; ) {
    const rung = turn.value
    if (revoked(rung)) first ??= rung
    else if (rung.kind === "CAPABILITY" && isSource(rung, ladder, revoked)) return undefined
    if (++done % SLICE === 0) await nextTurn()
    turn = walk.next(!revoked(rung))
  }
  if (first === undefined) return undefined
  return denial(
    "CAPABILITY_REVOKED",
    `Capability revoked at its source: ${first.record.id} of ${first.agentId}`,
  )
}

// Everybody who delegated, however far up as chains are here, each once.
function* delegatorsAbove({ input, chain, genesis }: Question): Iterable<string> {
  const asked = new Set([genesis.agentId])
  const waiting = [chain]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { delegatorId } of next.delegations) {
      if (asked.has(delegatorId)) continue
      asked.add(delegatorId)
      yield delegatorId
      const delegator = input.chains.get(delegatorId)
      if (delegator !== undefined) waiting.push(delegator.chain)
    }
  }
}

// Nothing above it is known: it was not delegated, or those who delegated it have nothing here that covers it.
function isSource(rung: Rung, { above }: Ladder, revoked: (rung: Rung) => boolean): boolean {
  const delegations = above(rung)
  const standing = delegations.filter((delegation) => !revoked(delegation))
  return (
    delegations.length === 0 ||
    (standing.length > 0 && standing.every((delegation) => above(delegation).length === 0))
  )
}

/** Whether the registry revoked a record by name. */
export function isRevoked({ kind, agentId, record }: Rung, revocations: Lookup<AgentRevocations>): boolean {
  const { capabilities, delegations } = revocations.get(agentId) ?? {}
  return (kind === "CAPABILITY" ? capabilities : delegations)?.has(record.id) === true
}

function readLedger(ledger: SignedLedger): ReadonlySet<string> | string {
  try {
    return revokedIds(ledger)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
