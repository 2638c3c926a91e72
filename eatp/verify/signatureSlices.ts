import type { Question } from "./question.js"
import { nextTurn } from "./turns.js"

// A check takes some 0.07 ms: the event loop is held for about two milliseconds at a time.
const SLICE = 32

/**
 * Verifies, slice by slice, all signatures that a level will ask for, so that the checks after it find their
 * answers: a chain of the largest size has some 4,000, which would hold the event loop for a third of a
 * second. Stops where the answer is clear already; the checks tell what it is.
 */
export async function verifyInSlices(question: Question): Promise<void> {
  const { level } = question.input.request
  if (level === "quick" || question.capability === undefined) return
  // Many that waited for the same chain begin together.
  if (question.chain.capabilities.length > SLICE) await nextTurn()
  if (question.chain.chainStateSignature !== undefined && !question.signatures.chainState()) return
  let done = 0
  for (const holds of sourceSignatures(question)) {
    if (!holds()) return
    if (++done % SLICE === 0) await nextTurn()
  }
  if (level !== "full") return
  for (const verify of otherSignatures(question)) {
    verify()
    if (++done % SLICE === 0) await nextTurn()
  }
}

function* sourceSignatures({ chain, signatures }: Question): Iterable<() => boolean> {
  yield signatures.genesis
  for (const capability of chain.capabilities) yield () => signatures.capability(capability)
}

function* otherSignatures({ input, chain, signatures }: Question): Iterable<() => void> {
  for (const record of [...chain.delegations, ...chain.auditAnchors]) {
    const trace = record.reasoningTrace
    if (trace !== undefined)
      yield () => signatures.traceHash(record, trace) && signatures.reasoning(record, trace)
  }
  for (const delegation of chain.delegations) {
    const delegator = input.chains.get(delegation.delegatorId)
    const authority = input.authorities.get(delegator?.chain.genesis?.authorityId ?? "")
    if (authority !== undefined) yield () => signatures.delegation(delegation, authority)
  }
  for (const anchor of chain.auditAnchors) yield () => signatures.anchor(anchor)
}
