import { create } from "@bufbuild/protobuf"
import { audit, type Json, JsonNumber } from "@trust-registry/eatp"
import { ConfidentialityLevel, ReasoningTraceSchema, type TrustLineageChain } from "@trust-registry/proto"
import { days, trustWorld, type World } from "../support/trustWorld.js"
import { authorityVectors } from "./authorityCases.js"
import { graphVectors } from "./graphCases.js"
import { hashTreeVectors } from "./hashTreeCases.js"
import { revocationVectors } from "./revocationCases.js"
import { delegationVectors, signingVectors } from "./signingCases.js"
import { verificationVectors } from "./verificationCases.js"

/** One vector file: what it shows, its cases, and its further lists. */
export type Vectors = { description: string; cases: Json[]; extra?: Record<string, Json> }

/** The project's own vectors of signatures, verdicts and revocation, by file name. */
export async function trustVectors(): Promise<Record<string, Vectors>> {
  const world = await vectorWorld()
  return {
    signing: signingVectors(world),
    delegation_payload: delegationVectors(world),
    verification: await verificationVectors(world),
    delegation_graph: graphVectors(),
    ...(await revocationVectors()),
    ...hashTreeVectors(),
    ...(await authorityVectors()),
  }
}

/** A chain of three agents, the last one's with everything that EATP signs. */
async function vectorWorld(): Promise<World> {
  const world = trustWorld()
  await world.establish("vec-ana", {
    constraints: ["audit_required"],
    metadataJson: '{"10":1.0,"2":1e16,"é":[-0.0,null]}',
    expiresAt: days(90),
  })
  await world.delegate("vec-ana", "vec-bob", { reasoningTrace, expiresAt: days(30) })
  await world.delegate("vec-bob", "vec-carl", { engine, constraints: ["read_only"] })
  await world.delegate("vec-bob", "vec-dora", { engine, multiSigPolicy })
  const entry = { agentId: "vec-bob", action: "read_data", contextJson: '{"n":1.50}', reasoningTrace }
  world.keep(await audit(entry, world, world.maker()))
  return world
}

/** The chain of an agent of the world. */
export function chainOf(world: World, agentId: string): TrustLineageChain {
  return world.chains.get(agentId)?.chain as TrustLineageChain
}

/** A whole number as JSON. */
export function integer(value: number | bigint): JsonNumber {
  return new JsonNumber(String(value))
}

const reasoningTrace = create(ReasoningTraceSchema, {
  decision: "delegate read access",
  rationale: "ночью",
  confidentiality: ConfidentialityLevel.CONFIDENTIAL,
  timestamp: "2026-09-01T11:59:59.000001",
  alternativesConsidered: ["wait"],
  evidenceJson: '[{"ticket":1.50}]',
  confidenceJson: "1.0",
})
const engine = {
  constraints: { allowDelegation: true, allowNetwork: true, maxContextTokens: 16384n },
  resourceLimits: { maxExecutionSecs: 300n, maxLlmCalls: 50n, maxToolCalls: 20n, maxTotalTokens: 100000n },
  scope: { domain: "engineering", operations: ["write", "read"], maxFinancialCents: 0n },
}
const multiSigPolicy = { threshold: 2n, authorizedSigners: ["cd".repeat(32), "ab".repeat(32)] }
