import type { Question } from "./question.js"
import { slicesOf } from "./turns.js"

// As many are on their way to other threads at once: what is made for them here, the payloads, takes a millisecond.
const SLICE = 32

/**
 * Verifies, slice by slice on other threads, all signatures that a level will ask for, so that the checks
 * after it find their answers: a chain of the largest size has some 4,000, which would hold the event loop for
 * a third of a second. Stops where the answer is clear already; the checks tell what it is.
 */
export async function verifyInSlices(question: Question): Promise<void> {
  const { signatures } = question
  const { level } = question.input.request
  if (level === "quick" || question.capability === undefined) return
  for await (const slice of slicesOf(sourceSignatures(question), SLICE)) {
    await signatures.ahead(slice)
    if (!slice.every((holds) => holds())) return
  }
  if (level !== "full") return
  for await (const slice of slicesOf(otherSignatures(question), SLICE)) await signatures.ahead(slice)
}

function* sourceSignatures({ chain, signatures }: Question): Iterable<() => boolean> {
  if (chain.chainStateSignature !== undefined) yield signatures.chainState
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
