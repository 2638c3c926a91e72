import type { CapabilityAttestation } from "@trust-registry/proto"
import { byCodePoint } from "../json/codePointOrder.js"
import { pythonStr } from "../python/pythonStr.js"
import { revokedIds, type SignedLedger } from "../revocation/signedLedger.js"
import { createTurns, inTurns } from "../turns/turns.js"
import { openSteps, type PathStep, type StepsAbove, walkUp } from "./pathSteps.js"
import type { Question } from "./question.js"
import type { AgentRevocations, Lookup } from "./trustInput.js"
import { type Denial, denial } from "./verdict.js"

/** The signed ledger is sound and lists neither the agent nor one of its delegations (EATP VERIFY, all levels). */
export function notInLedger({ input, chain, genesis }: Question): Denial | undefined {
  if (input.ledger === undefined) return undefined
  const revoked = readLedger(input.ledger)
  if (typeof revoked === "string") {
    const text = "Revocation ledger unverifiable — fail-closed deny (signed ledger is authoritative): "
    return denial("REVOCATION_UNVERIFIABLE", text + revoked, { facts: { detail: revoked } })
  }
  const ids = [genesis.agentId, ...chain.delegations.map(({ id }) => id)].filter((id) => revoked.has(id))
  if (ids.length === 0) return undefined
  const listed = pythonStr([...new Set(ids)].sort(byCodePoint))
  return denial(
    "REVOKED",
    `Delegation revoked per the owner-signed revocation ledger (authoritative): ${listed}`,
    { facts: ids[0] === genesis.agentId ? {} : { id: ids[0] } },
  )
}

/** The registry has revoked neither the agent nor one of its delegations; as in the ledger, one is enough to deny. */
export function notRevoked({ chain, genesis, revoked }: Question): Denial | undefined {
  if (revoked.agent === true) return denial("REVOKED", `Agent revoked: ${genesis.agentId}`)
  const delegation = chain.delegations.find(({ id }) => revoked.delegations?.has(id) === true)
  return (
    delegation && denial("REVOKED", `Delegation revoked: ${delegation.id}`, { facts: { id: delegation.id } })
  )
}

/** All delegators above the agent are in force, as far up as their chains are known; EATP checks this at FULL only. */
export function delegatorsInForce(question: Question): Denial | undefined | Promise<Denial | undefined> {
  const { chains, revocations } = question.input
  const isInactive = (id: string) => revocations?.get(id)?.agent === true || chains.get(id)?.active === false
  const judge = (delegators: readonly string[]) => {
    const id = delegators.find(isInactive)
    return id === undefined
      ? undefined
      : denial("DELEGATOR_INACTIVE", `Delegator inactive: ${id}`, { facts: { id } })
  }
  const delegators = delegatorsAbove(question)
  return delegators instanceof Promise ? delegators.then(judge) : judge(delegators)
}

/**
 * A delegated capability still has a source: in the chains of its delegators, as far as they are known, not every
 * capability that covers it is revoked, nor delegated in turn only from revoked ones. Expiry does not count here.
 */
export function sourceNotRevoked(question: Question): Denial | undefined | Promise<Denial | undefined> {
  const { capability } = question
  const { revocations } = question.input
  if (capability === undefined || revocations === undefined) return undefined
  const isTouched = (id: string) => {
    const { capabilities, delegations } = revocations.get(id) ?? {}
    return capabilities?.size || delegations?.size
  }
  // Mostly nothing above is revoked, and to find that out is cheaper than the walk.
  const judge = (delegators: readonly string[]) =>
    delegators.some(isTouched) ? unlessSourceRemains(question, capability, revocations) : undefined
  const delegators = delegatorsAbove(question)
  return delegators instanceof Promise ? delegators.then(judge) : judge(delegators)
}

async function unlessSourceRemains(
  { chain, genesis, input }: Question,
  capability: CapabilityAttestation,
  revocations: Lookup<AgentRevocations>,
): Promise<Denial | undefined> {
  const above = openSteps(input.chains)
  const revoked = (step: PathStep) => isRevoked(step, revocations)
  const takeTurns = createTurns()
  const walk = walkUp({ kind: "CAPABILITY", agentId: genesis.agentId, chain, record: capability }, above)
  let first: PathStep | undefined
  for (let slice = walk.next(); slice.done !== true; ) {
    const unrevoked = slice.value.filter((step) => !revoked(step))
    first ??= slice.value.find(revoked)
    if (unrevoked.some((step) => step.kind === "CAPABILITY" && isSource(step, above, revoked)))
      return undefined
    await takeTurns(slice.value.length)
    slice = walk.next(unrevoked)
  }
  if (first === undefined) return undefined
  return denial(
    "CAPABILITY_REVOKED",
    `Capability revoked at its source: ${first.record.id} of ${first.agentId}`,
    first.kind === "CAPABILITY"
      ? { facts: { id: first.record.id, holderId: first.agentId } }
      : { cause: "REVOKED", facts: { id: first.record.id, holderId: first.agentId } },
  )
}

const LOOKS_PER_STEP = 256

// The delegators of the agent, their delegators and so on, as far up as chains are known. Looked for once in a question:
// a thousand agents above may have a hundred thousand delegations.
function delegatorsAbove(question: Question): readonly string[] | Promise<readonly string[]> {
  return question.delegators ?? inTurns(findDelegators(question))
}

// Yields after some hundred delegations.
function* findDelegators(question: Question): Generator<void, readonly string[]> {
  const { input, chain, genesis } = question
  const seen = new Set([genesis.agentId])
  const found: string[] = []
  const waiting = [chain]
  let looks = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { delegatorId } of next.delegations) {
      if (seen.has(delegatorId)) continue
      seen.add(delegatorId)
      found.push(delegatorId)
      const delegator = input.chains.get(delegatorId)
      if (delegator !== undefined) waiting.push(delegator.chain)
    }
    looks += next.delegations.length + 1
    if (looks >= LOOKS_PER_STEP) {
      looks = 0
      yield
    }
  }
  question.delegators = found
  return found
}

// Nothing above it is known: it was not delegated, or its delegators have no known capability that covers it.
function isSource(step: PathStep, above: StepsAbove, revoked: (step: PathStep) => boolean): boolean {
  const delegations = above(step)
  const unrevoked = delegations.filter((delegation) => !revoked(delegation))
  return (
    delegations.length === 0 ||
    (unrevoked.length > 0 && unrevoked.every((delegation) => above(delegation).length === 0))
  )
}

/** Whether the registry revoked a record by its id. */
export function isRevoked(
  { kind, agentId, record }: PathStep,
  revocations: Lookup<AgentRevocations>,
): boolean {
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
