import { create } from "@bufbuild/protobuf"
import {
  attest,
  audit,
  chainFromDocument,
  checkShape,
  DELEGATION_V2,
  DELEGATION_V3,
  delegate,
  documentFromChain,
  lineageOf,
  MakeError,
  type MakeErrorCode,
  resign,
  SigningPayloadError,
} from "@trust-registry/eatp"
import {
  CapabilityType,
  ConfidentialityLevel,
  ReasoningTraceSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { days, NOW, signerOf, trustWorld, type World } from "../support/trustWorld.js"

const engine = {
  constraints: { allowDelegation: true, maxContextTokens: 16384n, allowedTools: { names: [] } },
  resourceLimits: { maxExecutionSecs: 300n, maxLlmCalls: 50n, maxToolCalls: 20n, maxTotalTokens: 100000n },
  scope: { domain: "engineering", operations: ["read"] },
}
const reasoningTrace = create(ReasoningTraceSchema, {
  decision: "delegate read access",
  rationale: "the ledger is read once a day",
  confidentiality: ConfidentialityLevel.RESTRICTED,
  timestamp: "2026-09-01T11:59:59",
  evidenceJson: '[{"ticket":1.50,"é":-0.0}]',
  confidenceJson: "1.0",
})

describe("creating chains", () => {
  let world: World
  beforeEach(() => {
    world = trustWorld()
  })

  it("establishes an agent whose chain is valid and verifies at FULL", async () => {
    const chain = await world.establish("ana", {
      constraints: ["no_pii_export"],
      metadataJson: '{"constraints":["audit_required"],"n":1e16}',
      expiresAt: days(30),
    })
    expect(checkShape(chain, undefined, NOW)).to.deep.equal([])
    const verdict = await world.verify("ana")
    expect(verdict).to.include({ valid: true, capabilityUsed: chain.capabilities[0]?.id })
    expect(verdict.effectiveConstraints).to.deep.equal(["no_pii_export"])
    const sources = chain.constraintEnvelope?.activeConstraints.map(({ source }) => source)
    expect(sources).to.deep.equal(["genesis", `capability:${chain.capabilities[0]?.id}`])
  })

  it("attests a capability by another authority, with the state signed by the owner", async () => {
    const chain = await world.establish("ana")
    const capabilities = [{ capability: "pay", capabilityType: CapabilityType.ACTION }]
    const attestation = { agentId: "ana", attesterId: "org-b", capabilities }
    world.keep(await attest(attestation, world, world.maker("org-b"), signerOf("org-a")))
    expect(await world.verify("ana", "full", {}, "pay")).to.include({ valid: true })
    expect(chain.capabilities).to.have.length(1)
  })

  it("delegates to a new agent and to one with a chain of another authority, and onwards from there", async () => {
    await world.establish("ana", { constraints: ["no_pii_export"] })
    await world.establish("bob", { authorityId: "org-b", capabilities: [] })
    await world.delegate("ana", "bob", { reasoningTrace })
    const carl = await world.delegate("bob", "carl", { constraints: ["read_only"], expiresAt: days(1) })
    for (const agent of ["bob", "carl"]) expect(await world.verify(agent)).to.include({ valid: true })
    expect((await world.verify("bob")).reasoningVerified).to.equal(true)
    expect((await world.verify("carl")).effectiveConstraints).to.deep.equal(["no_pii_export", "read_only"])
    expect(carl.genesis?.expiresAt).to.equal(days(1))
    expect(carl.delegations[0]?.delegationDepth).to.equal(2n)
    expect(carl.delegations[0]?.delegationChain).to.deep.equal(["ana", "bob", "carl"])
    expect(checkShape(carl, undefined, NOW)).to.deep.equal([])
  })

  it("signs engine limits and several signers, with times truncated to seconds", async () => {
    await world.establish("ana", { expiresAt: "2026-10-01T00:00:00.900000+02:00" })
    const two = await world.delegate("ana", "bob", { engine })
    const policy = { threshold: 1n, authorizedSigners: ["ab".repeat(32)] }
    const three = await world.delegate("ana", "carl", { engine, multiSigPolicy: policy })
    expect(two.delegations[0]?.signingPayloadVersion).to.equal(DELEGATION_V2)
    expect(two.delegations[0]?.expiresAt).to.equal("2026-09-30T22:00:00+00:00")
    expect(three.delegations[0]?.signingPayloadVersion).to.equal(DELEGATION_V3)
    for (const agent of ["bob", "carl"]) expect(await world.verify(agent)).to.include({ valid: true })
  })

  it("binds an audit anchor to the chain as it was", async () => {
    await world.establish("ana")
    const once = await audit({ agentId: "ana", action: "read_data", reasoningTrace }, world, world.maker())
    world.keep(once)
    const twice = await audit(
      { agentId: "ana", action: "read_data", contextJson: "null" },
      world,
      world.maker(),
    )
    world.keep(twice)
    expect(await world.verify("ana")).to.include({ valid: true })
    expect(twice.auditAnchors[1]?.trustChainHash).to.equal(twice.auditAnchors[0]?.trustChainHash)
    expect(checkShape(twice)).to.deep.equal([])
  })

  it("limits a delegation to the lifetime of the capability", async () => {
    const grant = { capability: "read_data", capabilityType: CapabilityType.ACCESS, expiresAt: days(2) }
    await world.establish("ana", { capabilities: [grant], expiresAt: days(30) })
    const chain = await world.delegate("ana", "bob", { expiresAt: days(20) })
    expect(chain.delegations[0]?.expiresAt).to.equal(days(2))
    expect(chain.capabilities[0]?.expiresAt).to.equal(days(2))
  })

  it("verifies ten hops and refuses the eleventh", async () => {
    await world.establish("a0")
    for (let hop = 1; hop <= 10; hop++) await world.delegate(`a${hop - 1}`, `a${hop}`)
    expect(await world.verify("a10")).to.include({ valid: true })
    const lineage = lineageOf("a10", (id) => world.chains.get(id)?.chain)
    expect(lineage.depth).to.equal(10)
    expect(lineage.ancestors.size).to.equal(10)
    await refused("DEPTH", () => world.delegate("a10", "a11"))
  })

  it("signs with a new key what verified with the old one", async () => {
    await world.establish("ana")
    await world.delegate("ana", "bob")
    world.keep(await audit({ agentId: "bob", action: "x", reasoningTrace }, world, world.maker()))
    const signer = signerOf("new key")
    const again = await Promise.all(
      ["ana", "bob"].map((agent) => resign(agent, "org-a", world, { signer, nowMicros: NOW })),
    )
    world.authorities.set("org-a", { id: "org-a", keys: [{ publicKey: signer.publicKey }] })
    expect((await world.verify("bob")).valid).to.equal(false)
    again.forEach(world.keep)
    for (const agent of ["ana", "bob"]) expect(await world.verify(agent)).to.include({ valid: true })
  })

  it("refuses to sign again what does not verify", async () => {
    const chain = await world.establish("ana")
    world.keep(await audit({ agentId: "ana", action: "read_data" }, world, world.maker()))
    const anchor = world.chains.get("ana")?.chain.auditAnchors[0]
    if (anchor !== undefined) anchor.action = "paid"
    await refused("SOURCE_INVALID", () => resign("ana", "org-a", world, world.maker()))
    expect(chain.auditAnchors).to.have.length(0)
  })

  describe("refuses to delegate", () => {
    beforeEach(() => world.establish("ana"))

    it("to the delegator itself", () => refused("SELF_DELEGATION", () => world.delegate("ana", "ana")))

    it("in a cycle through the chains of others", async () => {
      await world.delegate("ana", "bob")
      await world.delegate("bob", "carl")
      await refused("CYCLE", () => world.delegate("carl", "ana"))
    })

    it("what the delegator lacks, or no longer has", async () => {
      await refused("CAPABILITY_NOT_FOUND", () => world.delegate("ana", "bob", { capabilities: ["pay"] }))
      const grant = { capability: "pay", capabilityType: CapabilityType.ACTION, expiresAt: days(1) }
      const read = { capability: "read", capabilityType: CapabilityType.ACCESS }
      await world.establish("dora", { capabilities: [grant, read] })
      const later = { ...world.maker(), nowMicros: NOW + 2n * 86_400_000_000n }
      const delegation = { delegatorId: "dora", delegateeId: "bob", taskId: "t", capabilities: ["pay"] }
      await refused("CAPABILITY_EXPIRED", () => delegate(delegation, world, later))
    })

    it("if a constraint or a delegation forbids it", async () => {
      await world.establish("dora", { constraints: ["No_Delegation"] })
      await refused("NO_DELEGATION", () => world.delegate("dora", "bob"))
      const closed = { ...engine, constraints: { ...engine.constraints, allowDelegation: false } }
      await world.delegate("ana", "bob", { engine: closed })
      await refused("NO_DELEGATION", () => world.delegate("bob", "carl"))
    })

    it("constraints that are looser, and names them", async () => {
      await world.establish("dora", {
        constraints: ["cost_limit=100"],
        metadataJson: '{"constraints":[{"resources":["db/**"]}]}',
      })
      const error = await refused("LOOSER_CONSTRAINTS", () =>
        world.delegate("dora", "bob", { constraints: ["cost_limit=101", "resources:fs/x"] }),
      )
      expect(error.loosenings.map(({ violation }) => violation)).to.deep.equal([
        "cost_limit_increased",
        "resources_expanded",
      ])
      const tighter = await world.delegate("dora", "bob", {
        constraints: ["cost_limit=99", "resources:db/t"],
      })
      expect(tighter.delegations[0]?.constraintSubset).to.include.members(["cost_limit=100", "cost_limit=99"])
    })

    it("to an agent whose own chain is invalid or not in force", async () => {
      const bob = await world.establish("bob")
      world.chains.set("bob", { chain: bob, active: false })
      await refused("SOURCE_NOT_FOUND", () => world.delegate("ana", "bob"))
      world.keep(bob)
      bob.capabilities.splice(0)
      await refused("SOURCE_INVALID", () => world.delegate("ana", "bob"))
      const capabilities = [{ capability: "pay", capabilityType: CapabilityType.ACTION }]
      const attestation = { agentId: "bob", attesterId: "org-a", capabilities }
      await refused("SOURCE_INVALID", () => attest(attestation, world, world.maker()))
    })

    it("from a chain that is invalid, expired or not in force", async () => {
      await refused("SOURCE_NOT_FOUND", () => world.delegate("nobody", "bob"))
      const { chain } = world.chains.get("ana") ?? {}
      world.chains.set("ana", { chain: chain as TrustLineageChain, active: false })
      await refused("SOURCE_NOT_FOUND", () => world.delegate("ana", "bob"))
      const dora = await world.establish("dora")
      dora.capabilities.splice(0)
      await refused("SOURCE_INVALID", () => world.delegate("dora", "bob"))
      await world.establish("eve", { expiresAt: days(1) })
      const delegation = { delegatorId: "eve", delegateeId: "bob", taskId: "t", capabilities: ["read_data"] }
      const later = { ...world.maker(), nowMicros: NOW + 2n * 86_400_000_000n }
      await refused("EXPIRED", () => delegate(delegation, world, later))
    })

    it("with a past or naive expiry, or with policies without engine limits", async () => {
      await refused("EXPIRED", () => world.delegate("ana", "bob", { expiresAt: days(-1) }))
      await refused("INVALID_ARGUMENT", () =>
        world.delegate("ana", "bob", { expiresAt: "2027-01-01T00:00:00" }),
      )
      const multiSigPolicy = { threshold: 1n, authorizedSigners: ["ab".repeat(32)] }
      let error: unknown
      await world.delegate("ana", "bob", { multiSigPolicy }).catch((caught) => {
        error = caught
      })
      expect(error).to.be.instanceOf(SigningPayloadError)
    })
  })

  it("creates chains that verify at FULL, also after export and import (property)", async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 })
    const plan = fc.record({
      agents: fc.uniqueArray(text, { minLength: 2, maxLength: 5 }),
      metadata: fc.json({ maxDepth: 3 }),
      constraints: fc.array(fc.constantFrom("audit_required", "no_pii_export", "cost_limit=10", "é:ü")),
      task: text,
      engine: fc.boolean(),
      reasoned: fc.boolean(),
      context: fc.json({ maxDepth: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ agents, metadata, constraints, task, reasoned, context, ...more }) => {
        const own = trustWorld()
        const root = agents[0] as string
        await own.establish(root, { metadataJson: `{"free":${metadata}}`, constraints })
        // Engines sign ASCII only.
        const ascii = agents.every((agent) => /^\p{ASCII}*$/u.test(agent))
        for (const [index, agent] of agents.slice(1).entries()) {
          await own.delegate(agents[index] as string, agent, {
            taskId: task,
            ...(more.engine && ascii ? { engine } : {}),
            ...(reasoned ? { reasoningTrace } : {}),
          })
        }
        const last = agents.at(-1) as string
        own.keep(
          await audit({ agentId: last, action: task, contextJson: `{"free":${context}}` }, own, own.maker()),
        )
        expect((await own.verify(last)).reasonText).to.equal(undefined)
        for (const { chain } of [...own.chains.values()]) {
          own.keep(chainFromDocument(documentFromChain(chain)).chain)
        }
        for (const agent of agents) expect((await own.verify(agent)).reasonText).to.equal(undefined)
      }),
      { numRuns: 60 },
    )
  })
})

async function refused(code: MakeErrorCode, action: () => Promise<unknown>): Promise<MakeError> {
  let error: unknown
  await action().catch((caught) => {
    error = caught
  })
  if (!(error instanceof MakeError)) throw new Error(`expected ${code}, not ${error}`)
  expect(error.code).to.equal(code)
  return error
}
