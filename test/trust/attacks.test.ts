import { setImmediate } from "node:timers/promises"
import { create } from "@bufbuild/protobuf"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ConfidentialityLevel,
  DenialReason,
  ReasoningTraceSchema,
  SignatureStatus,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { nextTurn } from "../../eatp/dist/turns/turns.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"

describe("attacks on trust", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    registry = await startRegistry({ requireSignatures: false })
    line = connectTo(registry.address)
    await authorities().registerAuthority({
      authority: {
        id: "org-a",
        name: "A",
        authorityType: AuthorityType.ORGANIZATION,
        permissions: usualPermissions(),
        keys: [{ keyId: "1", publicKey: signerOf("org-a").publicKey }],
      },
    })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const chains = () => line.calls(TrustStoreService)
  const authorities = () => line.calls(AuthorityService)
  const store = async (chain: TrustLineageChain, allowUnverified = false) =>
    (await chains().storeChain({ chain, allowUnverified })).record
  const reasonsOf = async (agentId: string) => {
    const { verifyTrust } = line.calls(TrustVerificationService)
    const levels = [1, 2, 3] as const
    const answers = await Promise.all(
      levels.map((level) => verifyTrust({ agentId, action: "read_data", level })),
    )
    return answers.map(({ valid, reason }) => (valid ? "valid" : reason))
  }
  const VALID = ["valid", "valid", "valid"]

  it("cannot exceed ten hops of delegation by storing the lower end first", async () => {
    // Two worlds, since none makes such a chain: in the lower one the tenth delegatee delegates of its own.
    const [upper, lower] = [trustWorld(), trustWorld()]
    await upper.establish("deep-0")
    await lower.establish("deep-10")
    for (let hop = 1; hop <= 10; hop++) await upper.delegate(`deep-${hop - 1}`, `deep-${hop}`)
    for (let hop = 11; hop <= 13; hop++) await lower.delegate(`deep-${hop - 1}`, `deep-${hop}`)
    const all = new Map([...lower.chains, ...upper.chains])
    for (let hop = 13; hop >= 0; hop--) await store(all.get(`deep-${hop}`)?.chain as TrustLineageChain)
    expect(await reasonsOf("deep-10")).to.deep.equal(VALID)
    const DENIED = Array(3).fill(DenialReason.EVALUATION_FAILED)
    for (const agentId of ["deep-11", "deep-13"]) expect(await reasonsOf(agentId)).to.deep.equal(DENIED)
  })

  it("cannot make a chain VERIFIED with an unsigned reasoning trace, or store one with another hash", async () => {
    const world = trustWorld()
    await store(await world.establish("trace-delegator"))
    const reasoningTrace = create(ReasoningTraceSchema, {
      decision: "delegate",
      rationale: "asked",
      confidentiality: ConfidentialityLevel.PUBLIC,
      timestamp: "2026-01-01T00:00:00+00:00",
    })
    const chain = await world.delegate("trace-delegator", "trace-delegatee", { reasoningTrace })
    expect((await store(chain))?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
    const [delegation] = chain.delegations
    if (!delegation?.reasoningTrace) throw new Error("delegate keeps the trace")
    const { reasoningSignature: _, ...unsigned } = delegation
    const without = { ...chain, delegations: [unsigned] } as TrustLineageChain
    expect((await store(without, true))?.signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
    const told = { ...unsigned, reasoningTrace: { ...delegation.reasoningTrace, decision: "never delegate" } }
    const failure = detailsOf(await failureOf(store({ ...chain, delegations: [told] } as TrustLineageChain)))
    const fields = failure.badRequest?.fieldViolations.map(({ field }) => field)
    expect(fields).to.deep.equal(["chain.delegations[0].reasoning_signature"])
  })

  it("cannot delegate through a purged delegator, or a deleted one, until it is stored again", async () => {
    const world = trustWorld()
    const delegator = await world.establish("gone-delegator")
    await store(delegator)
    await store(await world.delegate("gone-delegator", "gone-middle"))
    await store(await world.delegate("gone-middle", "gone-delegatee"))
    expect(await reasonsOf("gone-delegatee")).to.deep.equal(VALID)
    await chains().purgeChain({ agentId: "gone-delegator" })
    const { DELEGATOR_INACTIVE: inactive, DELEGATOR_NOT_FOUND: notFound } = DenialReason
    expect(await reasonsOf("gone-middle")).to.deep.equal([inactive, inactive, notFound])
    expect(await reasonsOf("gone-delegatee")).to.deep.equal([inactive, inactive, inactive])
    await store(delegator)
    expect(await reasonsOf("gone-delegatee")).to.deep.equal(VALID)
  })

  it("cannot make this process refuse a chain for a key that it has not read yet", async () => {
    const world = trustWorld()
    const chain = await world.establish("rotated")
    // What psql writes this process hears of no sooner than what another process writes.
    const setKey = (authorityId: string) => registry.sql`
      update trust_authorities set authority_data = jsonb_set(authority_data, '{keys,0,public_key}',
        to_jsonb(${signerOf(authorityId).publicKey}::text)) where authority_id = 'org-a'`
    await setKey("org-b")
    expect(detailsOf(await failureOf(store(chain))).info?.reason).to.equal("TRUST_CHAIN_INVALID")
    await setKey("org-a")
    expect((await store(chain))?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
  })

  it("cannot block the event loop with many long verifications, which run in slices and all finish", async () => {
    let slices = 0
    const check = async () => {
      for (let slice = 0; slice < 5; slice++) {
        await nextTurn()
        slices++
      }
    }
    const checks = Promise.all(Array.from({ length: 20 }, check))
    const passed: number[] = []
    while (slices < 100) {
      const before = slices
      await setImmediate()
      passed.push(slices - before)
    }
    await checks
    expect(Math.max(...passed)).to.equal(1)
  })

  it("cannot evaluate more than 16 MiB of delegators, on write or on read", async () => {
    const metadataJson = JSON.stringify({ ballast: "x".repeat(1_000_000) })
    const delegators = Array.from({ length: 20 }, (_, index) => `heavy-${index}`)
    const delegations = (agentId: string, count: number) =>
      delegators
        .slice(0, count)
        .map((delegatorId) => delegation(agentId, { id: `by-${delegatorId}`, delegatorId }))
    const delegated = (agentId: string, count: number) => ({
      ...sampleChain(agentId),
      delegations: delegations(agentId, count),
    })
    // Before its delegators it is stored without a look at them.
    await chains().storeChain({ chain: delegated("heavy-early", 20) })
    for (const agentId of delegators) {
      const chain = sampleChain(agentId)
      await chains().storeChain({ chain: { ...chain, genesis: { ...chain.genesis, metadataJson } } })
    }
    await chains().storeChain({ chain: delegated("heavy-enough", 16) })
    const failure = detailsOf(await failureOf(chains().storeChain({ chain: delegated("heavy-late", 20) })))
    expect(failure.badRequest?.fieldViolations[0]?.description).to.include("16 MiB")
    expect(await reasonsOf("heavy-early")).to.deep.equal(Array(3).fill(DenialReason.EVALUATION_FAILED))
  })
})
