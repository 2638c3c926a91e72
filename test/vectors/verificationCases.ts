import { clone } from "@bufbuild/protobuf"
import {
  documentFromChain,
  isoFromMicros,
  type Json,
  type JsonObject,
  type TrustLevel,
  type TrustVerdict,
} from "@trust-registry/eatp"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { NOW, signerOf, type World } from "../support/trustWorld.js"
import { object } from "./documents.js"
import { chainOf, type Vectors } from "./trustCases.js"

type Situation = {
  change?: (chain: TrustLineageChain) => void
  inactive?: string[]
  action?: string
  quirk?: string
}

const situations: Record<string, Situation> = {
  "as made": {},
  "another action": { action: "pay" },
  "an action that its constraint forbids": { action: "write_data" },
  "no chain-state signature": { change: (chain) => delete chain.chainStateSignature },
  "a capability taken out": { change: (chain) => chain.capabilities.splice(0) },
  "a capability renamed": {
    change: (chain) => each(chain.capabilities, (item) => Object.assign(item, { capability: "*" })),
  },
  "a capability without its constraints": {
    change: (chain) => each(chain.capabilities, (item) => item.constraints.splice(0)),
  },
  "a delegation of another task": {
    change: (chain) => each(chain.delegations, (item) => Object.assign(item, { parentDelegationId: "x" })),
  },
  "a malformed delegation signature": {
    change: (chain) => each(chain.delegations, (item) => Object.assign(item, { signature: "x" })),
    quirk: "the reference implementation fails",
  },
  "the delegator revoked": {
    inactive: ["vec-bob"],
    quirk: "the reference implementation looks at FULL only",
  },
  "the agent revoked": { inactive: ["vec-carl"] },
}

/** Verdicts about one agent at each level, its chain as made and changed in one way. */
export async function verificationVectors(world: World): Promise<Vectors> {
  const cases: Json[] = []
  for (const [name, situation] of Object.entries(situations)) {
    for (const level of ["quick", "standard", "full"] as const) {
      cases.push(await verificationCase(world, `${name}/${level}`, situation, level))
    }
  }
  return { description: "Verdicts of VERIFY", cases }
}

async function verificationCase(
  world: World,
  name: string,
  situation: Situation,
  level: TrustLevel,
): Promise<Json> {
  const { action = "read_data", inactive = [], quirk = null } = situation
  const changed = clone(TrustLineageChainSchema, chainOf(world, "vec-carl"))
  situation.change?.(changed)
  const all = [chainOf(world, "vec-ana"), chainOf(world, "vec-bob"), changed]
  const chains = new Map(
    all.map((chain) => {
      const agentId = chain.genesis?.agentId ?? ""
      return [agentId, { chain, active: !inactive.includes(agentId) }]
    }),
  )
  const verdict = await world.verify("vec-carl", level, { chains }, action)
  return object({
    name,
    now: isoFromMicros(NOW),
    options: object({}),
    authorities: [object({ id: "org-a", public_key: signerOf("org-a").publicKey })],
    chains_json: `[${all.map(documentFromChain).join(",")}]`,
    inactive_agents: inactive,
    revocation: null,
    request: object({ agent_id: "vec-carl", action, resource: null, level, context: object({}) }),
    expected: expectedOf(verdict),
    upstream_quirk: quirk,
  })
}

function expectedOf(verdict: TrustVerdict): JsonObject {
  return object({
    valid: verdict.valid,
    level: verdict.level,
    reason: verdict.reasonText ?? null,
    capability_used: verdict.capabilityUsed ?? null,
    effective_constraints: verdict.effectiveConstraints,
    violations: verdict.violations.map(({ constraint, reason }) =>
      object({ constraint_value: constraint, reason }),
    ),
    reasoning_present: verdict.reasoningPresent ?? null,
    reasoning_verified: verdict.reasoningVerified ?? null,
  })
}

function each<Item>(items: Item[], change: (item: Item) => unknown): void {
  for (const item of items) change(item)
}
