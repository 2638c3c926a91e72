import type { ChainSignature } from "./chainSignatures.js"
import type { Question } from "./question.js"

/** The signatures behind capabilities and constraints: the chain state, the genesis record and every capability. */
export function sourceSignatures({ chain, signatures }: Question): ChainSignature[] {
  const capabilities = chain.capabilities.map((capability) => signatures.capability(capability))
  return [signatures.chainState(), signatures.genesis(), ...capabilities]
}

/** The signatures of the chain's delegations. */
export function delegationSignatures({ chain, signatures }: Question): ChainSignature[] {
  return chain.delegations.map((delegation) => signatures.delegation(delegation))
}

/** The signatures of the chain's audit anchors, and of all reasoning traces. */
export function evidenceSignatures({ chain, signatures }: Question): ChainSignature[] {
  const traced = [...chain.delegations, ...chain.auditAnchors].filter((record) => record.reasoningTrace)
  return [
    ...traced.map((record) => signatures.reasoning(record)),
    ...chain.auditAnchors.map((anchor) => signatures.anchor(anchor)),
  ]
}
