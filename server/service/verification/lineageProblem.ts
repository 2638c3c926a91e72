import { lineageInTurns, MAX_DELEGATION_DEPTH } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import type { KnownSigners } from "./signers.js"

/**
 * The problem with a chain's lineage (EATP DELEGATE): a cycle, more than ten hops, or too many ancestors to read. The text
 * continues "the delegations"; undefined without a problem. Not only for writes: a chain becomes too deep by what is stored above it
 * later, and ancestors beyond that depth are not read.
 */
export async function lineageProblem(
  chain: TrustLineageChain,
  { delegators, tooMany }: KnownSigners,
): Promise<string | undefined> {
  if (tooMany) return "lead up to more than 1,000 agents or 16 MiB of their chains"
  const agentId = chain.genesis?.agentId ?? ""
  const lineage = lineageInTurns(agentId, (id) => (id === agentId ? chain : delegators.get(id)?.chain))
  const { cycle, depth } = lineage instanceof Promise ? await lineage : lineage
  if (cycle) return `close a cycle: ${cycle.map((id) => JSON.stringify(id)).join(" -> ")}`
  if (depth <= MAX_DELEGATION_DEPTH) return undefined
  return `are ${depth} hops deep; at most ${MAX_DELEGATION_DEPTH} are allowed`
}
