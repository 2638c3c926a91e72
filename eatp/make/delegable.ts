import type { CapabilityAttestation, TrustLineageChain } from "@trust-registry/proto"
import { JsonObject } from "../json/json.js"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { isRecordExpired } from "../rules/expiry.js"
import { lineageOf, MAX_DELEGATION_DEPTH } from "../rules/lineage.js"
import { bindingConstraints, constraintTexts, namedConstraints } from "../rules/namedConstraints.js"
import { delegationsFor } from "../rules/runningDelegations.js"
import { looserConstraints } from "../rules/tightening.js"
import { MakeError } from "./makeError.js"
import type { Known } from "./maker.js"

/**
 * The depth of a new delegation, in hops. Throws MakeError if it is to the delegator itself, closes a cycle across any
 * chains, or is deeper than {@link MAX_DELEGATION_DEPTH}.
 */
export function delegationDepthOf(delegatorId: string, delegateeId: string, known: Known): number {
  if (delegatorId === delegateeId) {
    throw new MakeError("SELF_DELEGATION", `An agent cannot delegate to itself: ${delegatorId}`)
  }
  const lineage = lineageOf(delegatorId, (agentId) => known.chains.get(agentId)?.chain)
  if (lineage.cycle !== undefined || lineage.ancestors.has(delegateeId)) {
    const path = lineage.cycle?.join(" -> ") ?? `${delegateeId} -> ... -> ${delegatorId} -> ${delegateeId}`
    throw new MakeError("CYCLE", `Delegation cycle detected: ${path}`)
  }
  const depth = Math.max(lineage.depth, recordedDepth(known.chains.get(delegatorId)?.chain)) + 1
  if (depth > MAX_DELEGATION_DEPTH) {
    const text = `Delegation would create depth ${depth}, exceeding maximum ${MAX_DELEGATION_DEPTH}`
    throw new MakeError("DEPTH", `${text}: ${delegatorId} is at depth ${depth - 1}`)
  }
  return depth
}

/**
 * The delegator's capability for each name to delegate. Throws MakeError for a name that the delegator has no live
 * capability for, or may not delegate.
 */
export function delegable(
  chain: TrustLineageChain,
  names: readonly string[],
  nowMicros: bigint,
): Map<string, CapabilityAttestation> {
  if (constraintTexts(chain).includes("no_delegation")) {
    throw new MakeError("NO_DELEGATION", "The delegator is restricted from delegating trust: no_delegation")
  }
  return new Map(names.map((name) => [name, delegableCapability(chain, name, nowMicros)]))
}

/**
 * The constraints of a delegatee: the delegator's and the additional ones, without duplicates. Throws MakeError if an
 * additional constraint is looser than the delegator's of the same name.
 */
export function tightened(chain: TrustLineageChain, additional: readonly string[]): string[] {
  const parent = bindingConstraints(chain)
  const child = new JsonObject([...parent, ...namedConstraints(additional)])
  const loosenings = looserConstraints(parent, child)
  if (loosenings.length > 0) {
    const texts = loosenings.map(({ violation, detail }) => `${violation} (${detail})`)
    const text = `Delegation violates constraint inheritance: ${texts.join("; ")}`
    throw new MakeError("LOOSER_CONSTRAINTS", text, loosenings)
  }
  return [...new Set([...constraintTexts(chain), ...additional])]
}

// The depth recorded in the delegator's own delegations: chains further up may not be known.
function recordedDepth(chain: TrustLineageChain | undefined): number {
  return Math.max(0, ...(chain?.delegations ?? []).map(({ delegationDepth }) => Number(delegationDepth)))
}

function delegableCapability(
  chain: TrustLineageChain,
  name: string,
  nowMicros: bigint,
): CapabilityAttestation {
  const owned = chain.capabilities.filter(({ capability }) => capabilityCovers(capability, name))
  const live = owned.find((capability) => !isRecordExpired(capability, nowMicros))
  if (owned.length === 0)
    throw new MakeError("CAPABILITY_NOT_FOUND", `The delegator has no capability '${name}'`)
  if (live === undefined) {
    throw new MakeError("CAPABILITY_EXPIRED", `The delegator's capability '${name}' has expired`)
  }
  const delegations = delegationsFor(chain.delegations, live)
  if (
    delegations.length > 0 &&
    delegations.every(({ constraints }) => constraints?.allowDelegation === false)
  ) {
    throw new MakeError("NO_DELEGATION", `The capability '${name}' was delegated without allow_delegation`)
  }
  return live
}
