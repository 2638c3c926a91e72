import { byCodePoint } from "../json/codePointOrder.js"
import { pythonStr } from "../python/pythonStr.js"
import { revokedIds, type SignedLedger } from "../revocation/signedLedger.js"
import type { Question } from "./question.js"
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
 * Everybody who lent, however far up as their chains are here, must be in force; EATP asks so at FULL only.
 */
export function delegatorsInForce({ input, chain, genesis }: Question): Denial | undefined {
  const asked = new Set([genesis.agentId])
  const waiting = [chain]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { delegatorId } of next.delegations) {
      if (asked.has(delegatorId)) continue
      asked.add(delegatorId)
      const delegator = input.chains.get(delegatorId)
      const revoked = input.revocations?.get(delegatorId)?.agent === true
      if (revoked || delegator?.active === false) {
        return denial("DELEGATOR_INACTIVE", `Delegator inactive: ${delegatorId}`)
      }
      if (delegator !== undefined) waiting.push(delegator.chain)
    }
  }
  return undefined
}

function readLedger(ledger: SignedLedger): ReadonlySet<string> | string {
  try {
    return revokedIds(ledger)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
