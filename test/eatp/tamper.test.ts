import { create } from "@bufbuild/protobuf"
import {
  audit,
  chainFromDocument,
  documentFromChain,
  type Json,
  JsonNumber,
  JsonObject,
  jsonText,
  parseJson,
} from "@trust-registry/eatp"
import { CapabilityType, ConfidentialityLevel, ReasoningTraceSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { days, trustWorld, type World } from "../support/trustWorld.js"

// What EATP does not sign, as paths without places in lists; what v2 and v3 delegations leave out besides.
const unsigned = new Set([
  "delegations.delegation_depth",
  "delegations.delegation_chain",
  "constraint_envelope.id",
  "constraint_envelope.agent_id",
  "constraint_envelope.computed_at",
  "constraint_envelope.valid_until",
  "constraint_envelope.constraint_hash",
  "constraint_envelope.active_constraints.source",
  "constraint_envelope.active_constraints.priority",
])
const unsignedByEngines = new Set(["delegations.task_id", "delegations.constraint_subset"])

describe("a chain that was tampered with", () => {
  const world = trustWorld()
  before(() => fill(world))

  for (const agent of ["bob", "carl"]) {
    it(`fails verification, whichever signed leaf was changed (${agent})`, async () => {
      const document = documentFromChain(world.chains.get(agent)?.chain as never)
      const leaves = [...leavesOf(parseJson(document), [])].filter((path) => isSigned(path, agent))
      expect(leaves.length).to.be.greaterThan(60)
      for (const path of leaves) {
        const changed = alter(parseJson(document), path, change)
        expect(await stillValid(world, agent, changed), path.join(".")).to.equal(false)
      }
    })

    it(`fails verification with any other value in a leaf (property, ${agent})`, async () => {
      const document = documentFromChain(world.chains.get(agent)?.chain as never)
      const leaves = [...leavesOf(parseJson(document), [])].filter((path) => isSigned(path, agent))
      const value = fc.oneof(
        fc.string(),
        fc.constant(null),
        fc.boolean(),
        fc.integer().map(number),
        fc.double().map(number),
      )
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...leaves), value, async (path, other) => {
          const root = parseJson(document)
          const changed = alter(root, path, () => other)
          fc.pre(jsonText(changed) !== jsonText(root))
          expect(await stillValid(world, agent, changed)).to.equal(false)
        }),
        { numRuns: 300 },
      )
    })

    it(`fails verification if a record is removed or duplicated with another id (${agent})`, async () => {
      const { chain } = chainFromDocument(documentFromChain(world.chains.get(agent)?.chain as never))
      for (const list of [chain.capabilities, chain.delegations]) {
        const [first] = list.splice(0, 1)
        expect((await verifyChain(world, agent, chain)).valid).to.equal(false)
        list.unshift(first as never, { ...first, id: "another" } as never)
        expect((await verifyChain(world, agent, chain)).valid).to.equal(false)
        list.splice(1, 1)
      }
      expect((await verifyChain(world, agent, chain)).reasonText).to.equal(undefined)
    })
  }

  it("still verifies if only fields that EATP leaves unsigned are changed", async () => {
    const document = documentFromChain(world.chains.get("carl")?.chain as never)
    for (const path of [
      ["constraint_envelope", "id"],
      ["delegations", 0, "task_id"],
    ] as Path[]) {
      expect(
        await stillValid(world, "carl", alter(parseJson(document), path, change)),
        path.join("."),
      ).to.equal(true)
    }
  })
})

type Path = (string | number)[]

async function fill(world: World): Promise<void> {
  const reasoningTrace = create(ReasoningTraceSchema, {
    decision: "delegate",
    rationale: "needed",
    confidentiality: ConfidentialityLevel.PUBLIC,
    timestamp: "2026-09-01T11:00:00+02:00",
    alternativesConsidered: ["wait"],
    evidenceJson: '[{"n":1.0}]',
    methodology: "by hand",
    confidenceJson: "0.5",
  })
  const scoped = { capability: "read_data", capabilityType: CapabilityType.ACCESS, scopeJson: '{"max":1.50}' }
  await world.establish("ana", {
    capabilities: [scoped],
    constraints: ["audit_required"],
    metadataJson: '{"deep":{"list":[1,"x",true]}}',
    expiresAt: days(90),
  })
  await world.delegate("ana", "bob", { reasoningTrace })
  const engine = {
    constraints: { allowDelegation: true, maxContextTokens: 1n, allowedTools: { names: ["a"] } },
    resourceLimits: { maxLlmCalls: 2n },
    scope: { domain: "d", operations: ["read"], maxFinancialCents: 0n },
  }
  const multiSigPolicy = { threshold: 1n, authorizedSigners: ["ab".repeat(32)] }
  await world.delegate("bob", "carl", { engine, multiSigPolicy, reasoningTrace })
  for (const agentId of ["bob", "carl"]) {
    const entry = { agentId, action: "read_data", resource: "r", contextJson: '{"é":[1e16]}', reasoningTrace }
    world.keep(await audit(entry, world, world.maker()))
  }
}

function* leavesOf(value: Json, path: Path): Iterable<Path> {
  if (value instanceof JsonObject) for (const [key, item] of value) yield* leavesOf(item, [...path, key])
  else if (Array.isArray(value))
    for (const [at, item] of value.entries()) yield* leavesOf(item, [...path, at])
  else yield path
}

function isSigned(path: Path, agent: string): boolean {
  const name = path.filter((part) => typeof part === "string").join(".")
  return (
    !unsigned.has(name) &&
    !name.includes("human_origin") &&
    !(agent === "carl" && unsignedByEngines.has(name))
  )
}

function alter(value: Json, [part, ...rest]: Path, to: (value: Json) => Json): Json {
  if (part === undefined) return to(value)
  if (Array.isArray(value)) return value.map((item, at) => (at === part ? alter(item, rest, to) : item))
  const members = [...(value as JsonObject)]
  return new JsonObject(members.map(([key, item]) => [key, key === part ? alter(item, rest, to) : item]))
}

function change(value: Json): Json {
  if (typeof value === "string") return `${value}x`
  if (typeof value === "boolean") return !value
  return value === null ? "2026-09-01T00:00:00+00:00" : number(Number((value as JsonNumber).text) + 1)
}

function number(value: number): Json {
  return Number.isFinite(value) ? new JsonNumber(String(value)) : null
}

// A document that is no chain any more is refused before it is asked about.
async function stillValid(world: World, agent: string, document: Json): Promise<boolean> {
  let chain: ReturnType<typeof chainFromDocument>["chain"]
  try {
    chain = chainFromDocument(jsonText(document)).chain
  } catch {
    return false
  }
  return (await verifyChain(world, agent, chain)).valid
}

function verifyChain(world: World, agent: string, chain: ReturnType<typeof chainFromDocument>["chain"]) {
  const chains = new Map(world.chains).set(agent, { chain, active: true })
  return world.verify(agent, "full", { chains })
}
