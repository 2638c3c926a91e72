import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { create } from "@bufbuild/protobuf"
import { chainFromDocument, type JsonObject, parseJson, verifyTrust } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  DenialReason,
  SignatureStatus,
  type TrustLineageChain,
  TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
  VerificationLevel,
} from "@trust-registry/proto"
import { expect } from "chai"
import { authorityMap, levelOf } from "../conformance/authorities.js"
import { stricterClass } from "../conformance/stricter.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { delegation } from "../support/records.js"
import { registryChains, registryFolder } from "../support/registryChains.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld, type World } from "../support/trustWorld.js"

const LEVELS: Record<string, VerificationLevel> = {
  quick: VerificationLevel.QUICK,
  standard: VerificationLevel.STANDARD,
  full: VerificationLevel.FULL,
}

describe("verification", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const chains = () => line.calls(TrustStoreService)
  const authorities = () => line.calls(AuthorityService)
  const trust = () => line.calls(TrustVerificationService)

  async function open(changes: Parameters<typeof startRegistry>[0] = {}) {
    registry = await startRegistry(changes)
    line = connectTo(registry.address)
  }
  async function close() {
    line.close()
    await registry.stop()
  }

  const register = (id: string, publicKey: string) =>
    authorities().registerAuthority({
      authority: {
        id,
        name: id,
        authorityType: AuthorityType.ORGANIZATION,
        keys: [{ keyId: "1", publicKey }],
      },
    })
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call))

  // The project's own chains come without verdicts; in CI the folder of those that have them must be there.
  const folder = registryFolder()
  const judged = existsSync(join(folder, "chains.verdicts.jsonl")) ? describe : () => undefined
  judged("of a registry made by the reference implementation", () => {
    const statuses = new Set<SignatureStatus | undefined>()
    before(async () => {
      await open()
      for (const authority of parseJson(
        readFileSync(join(folder, "authorities.json"), "utf8"),
      ) as JsonObject[])
        await register(String(authority.get("id")), String(authority.get("public_key")))
      for (const { document } of registryChains()) {
        const { record } = await chains().storeChain({ chain: chainFromDocument(document).chain })
        statuses.add(record?.signatureStatus)
      }
    })
    after(() => close())

    it("checks every signature on write, and marks the chain VERIFIED", () => {
      expect([...statuses]).to.deep.equal([SignatureStatus.VERIFIED])
    })

    it("returns the verdicts of the reference implementation, line by line, or stricter ones of a known class", async () => {
      const lines = readFileSync(join(folder, "chains.verdicts.jsonl"), "utf8").trimEnd().split("\n")
      let stricter = 0
      for (const text of lines) {
        const asked = JSON.parse(text)
        const level = LEVELS[asked.level] as VerificationLevel
        const answer = await trust().verifyTrust({ agentId: asked.agent_id, action: asked.action, level })
        const told = {
          valid: answer.valid,
          reason: answer.reasonText || null,
          capability_used: answer.capabilityUsed ?? null,
          effective_constraints: answer.effectiveConstraints,
        }
        if (asked.valid && (await isStricter(asked))) {
          expect(told.reason, text).to.equal("Constraint violation")
          stricter++
          continue
        }
        const { valid, reason, capability_used, effective_constraints } = asked
        expect(told, text).to.deep.equal({ valid, reason, capability_used, effective_constraints })
      }
      expect(lines.length - stricter).to.be.greaterThan(lines.length / 2)
    })

    const known = () => ({
      chains: new Map(
        registryChains().map(({ document }) => {
          const { chain } = chainFromDocument(document)
          return [chain.genesis?.agentId ?? "", { chain, active: true }]
        }),
      ),
      authorities: authorityMap(
        parseJson(readFileSync(join(folder, "authorities.json"), "utf8")) as JsonObject[],
      ),
      nowMicros: BigInt(Date.now()) * 1000n,
    })
    let world: ReturnType<typeof known> | undefined
    // A rule of ours alone denies, by the same rules offline.
    async function isStricter({ agent_id, action, level }: Record<string, string>) {
      world ??= known()
      const request = { agentId: agent_id ?? "", action: action ?? "", level: levelOf(level ?? "") }
      return stricterClass(await verifyTrust({ request, ...world })) !== undefined
    }
  })

  describe("on write", () => {
    let world: World
    before(async () => {
      world = trustWorld()
      await open()
    })
    after(() => close())

    const store = (chain: TrustLineageChain) => chains().storeChain({ chain })

    it("stores a chain with unknown signers as UNVERIFIED, and as VERIFIED once they are known", async () => {
      const chain = await world.establish("early")
      expect((await store(chain)).record?.signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
      await register("org-a", signerOf("org-a").publicKey)
      expect((await store(chain)).record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
      const unsigned = create(TrustLineageChainSchema, sampleChain("other"))
      expect((await store(unsigned)).record?.signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
    })

    it("refuses an invalid signature, and names the record", async () => {
      const chain = await world.establish("forged")
      const capability = chain.capabilities[0]
      if (!capability || !chain.genesis) throw new Error("establish makes a capability")
      const forged = { ...chain, capabilities: [{ ...capability, capability: "everything" }] }
      const { info, badRequest } = await reasonOf(store(forged))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      const fields = badRequest?.fieldViolations.map(({ field }) => field)
      expect(fields).to.include("chain.capabilities[0].signature")
      const longer = { ...chain, genesis: { ...chain.genesis, expiresAt: "2098-01-01T00:00:00+00:00" } }
      const violations = (await reasonOf(store(longer))).badRequest?.fieldViolations ?? []
      expect(violations.map(({ field }) => field)).to.deep.equal(["chain.genesis.signature"])
      expect((await chains().countChains({ filter: { agentIdPrefix: "forged" } })).count).to.equal(0n)
    })

    it("checks a delegation once its delegator is stored", async () => {
      const delegator = await world.establish("delegator")
      const chain = await world.delegate("delegator", "delegatee")
      expect((await store(chain)).record?.signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
      await store(delegator)
      expect((await store(chain)).record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
      const delegations = chain.delegations.map((delegation) => ({ ...delegation, taskId: "another" }))
      const { badRequest } = await reasonOf(store({ ...chain, delegations }))
      expect(badRequest?.fieldViolations[0]?.field).to.equal("chain.delegations[0].signature")
    })

    it("accepts ten hops of delegation and refuses the eleventh", async () => {
      const agents = Array.from({ length: 12 }, (_, i) => `hop-${i}`)
      const delegated = (agentId: string, delegatorId: string) => ({
        ...sampleChain(agentId),
        delegations: [delegation(agentId, { delegatorId })],
      })
      await chains().storeChain({ chain: sampleChain("hop-0") })
      for (const [i, agentId] of agents.entries())
        if (i > 0 && i <= 10) await chains().storeChain({ chain: delegated(agentId, `hop-${i - 1}`) })
      const { badRequest } = await reasonOf(chains().storeChain({ chain: delegated("hop-11", "hop-10") }))
      expect(badRequest?.fieldViolations[0]?.description).to.include("11 hops")
    })

    it("refuses a cycle through the chains of others, even when two writes race to close it", async () => {
      const delegated = (agentId: string, delegatorId: string) => ({
        ...sampleChain(agentId),
        delegations: [delegation(agentId, { delegatorId })],
      })
      const alone = await reasonOf(chains().storeChain({ chain: delegated("self", "self") }))
      expect(alone.info?.reason).to.equal("TRUST_CHAIN_INVALID")
      for (let round = 0; round < 30; round++) {
        const [a, b] = [`ring-a-${round}`, `ring-b-${round}`]
        const both = await Promise.allSettled([
          chains().storeChain({ chain: delegated(a, b) }),
          chains().storeChain({ chain: delegated(b, a) }),
        ])
        const refused = both.flatMap((one) => (one.status === "rejected" ? [detailsOf(one.reason)] : []))
        expect(refused.map(({ info }) => info?.reason)).to.deep.equal(["TRUST_CHAIN_INVALID"])
        expect(refused[0]?.badRequest?.fieldViolations[0]?.description).to.include("cycle")
      }
    })

    it("validates again if its dependencies changed during validation", async () => {
      const chain = await world.establish("moving")
      const stores = Array.from({ length: 20 }, () => store(chain))
      for (let round = 0; round < 10; round++)
        await registry.sql`update trust_authorities set is_active = not is_active where authority_id = 'org-a'`
      for (const { record } of await Promise.all(stores))
        expect(record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
    })
  })

  describe("with required signatures", () => {
    before(() => open({ requireSignatures: true }))
    after(() => close())

    it("refuses what cannot be checked", async () => {
      const world = trustWorld()
      const chain = await world.establish("strict")
      const { info, badRequest } = await reasonOf(chains().storeChain({ chain }))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("chain.genesis.signature")
      await register("org-a", signerOf("org-a").publicKey)
      await chains().storeChain({ chain })
    })
  })

  describe("by VerifyTrust", () => {
    let world: World
    before(async () => {
      world = trustWorld()
      await open()
      await register("org-a", signerOf("org-a").publicKey)
    })
    after(() => close())

    const verify = (
      agentId: string,
      action = "read_data",
      level: VerificationLevel = VerificationLevel.FULL,
    ) => trust().verifyTrust({ agentId, action, level })

    it("denies without a chain, with a deleted chain, and past the expiry of the registration", async () => {
      expect(await verify("nobody")).to.include({
        valid: false,
        reason: DenialReason.NO_TRUST_CHAIN,
        revision: 0n,
      })
      const chain = await world.establish("fleeting")
      const action = chain.capabilities[0]?.capability
      const { record } = await chains().storeChain({ chain })
      expect(await verify("fleeting", action)).to.include({ valid: true, revision: record?.revision })
      await chains().deleteChain({ agentId: "fleeting" })
      expect(await verify("fleeting", action)).to.include({
        valid: false,
        reason: DenialReason.NO_TRUST_CHAIN,
      })
      await chains().restoreChain({ agentId: "fleeting" })
      await registry.sql`update trust_chains set expires_at = now() - interval '1 second' where agent_id = 'fleeting'`
      await chains()
        .deleteChain({ agentId: "nobody" })
        .catch(() => undefined)
      await registry.restart()
      line.close()
      line = connectTo(registry.address)
      expect(await verify("fleeting", action)).to.include({ reason: DenialReason.TRUST_CHAIN_EXPIRED })
    })

    it("denies a delegatee whose delegator is deleted, at every level", async () => {
      await chains().storeChain({ chain: await world.establish("source") })
      const chain = await world.delegate("source", "sink")
      await chains().storeChain({ chain })
      const action = chain.capabilities[0]?.capability ?? ""
      for (const level of [1, 2, 3] as const)
        expect((await verify("sink", action, level)).valid).to.equal(true)
      await chains().deleteChain({ agentId: "source" })
      // At FULL the reference has a reason of its own for it, since it needs the delegator's chain.
      const reasons = [
        DenialReason.DELEGATOR_INACTIVE,
        DenialReason.DELEGATOR_INACTIVE,
        DenialReason.DELEGATOR_NOT_FOUND,
      ]
      for (const level of [1, 2, 3] as const)
        expect(await verify("sink", action, level)).to.include({ valid: false, reason: reasons[level - 1] })
    })

    it("refuses invalid requests, and names the field", async () => {
      const wrong = [
        [{ agentId: "" }, "agent_id"],
        [{ agentId: "a", level: 9 as VerificationLevel }, "level"],
        [{ agentId: "a", contextJson: "[1]" }, "context_json"],
        [{ agentId: "a", contextJson: "{" }, "context_json"],
        [{ agentId: "a", contextJson: `{"a":[${"{},".repeat(1_000)}1]}` }, "context_json"],
        [{ agentId: "a", contextJson: `{"a":"${"x".repeat(262_144)}"}` }, "context_json"],
        [{ agentId: "a", action: "x".repeat(4_097) }, "action"],
        [{ agentId: "a", resource: "x\0" }, "resource"],
      ] as const
      for (const [request, field] of wrong) {
        const { info, badRequest } = await reasonOf(trust().verifyTrust(request))
        expect(info?.reason, field).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
      }
    })
  })
})
