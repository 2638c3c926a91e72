import { lineageOf, MAX_DELEGATION_DEPTH } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import type { KnownSigners } from "./signers.js"

/**
 * What is wrong with a chain's place among those who delegated to it and those above them (EATP DELEGATE): a circle, more than ten
 * hops, or more agents than are looked at. Goes on from "the delegations"; undefined: nothing. Not only for writes: a chain
 * comes too deep by what is stored above it afterwards, and what is further up than that is not looked at.
 */
export function lineageProblem(
  chain: TrustLineageChain,
  { delegators, tooMany }: KnownSigners,
): string | undefined {
  if (tooMany) return "lead up to more than 1,000 agents or 16 MiB of their chains"
  const agentId = chain.genesis?.agentId ?? ""
  const { cycle, depth } = lineageOf(agentId, (id) => (id === agentId ? chain : delegators.get(id)?.chain))
  if (cycle) return `close a cycle: ${cycle.map((id) => JSON.stringify(id)).join(" -> ")}`
  if (depth <= MAX_DELEGATION_DEPTH) return undefined
  return `are ${depth} hops deep; at most ${MAX_DELEGATION_DEPTH} are allowed`
}
