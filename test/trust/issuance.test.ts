import { randomUUID } from "node:crypto"
import { attest, chainStatePayload, signText, usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityPermission,
  AuthorityService,
  AuthorityType,
  DenialReason,
  RevocationService,
  SignatureStatus,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
  VerificationLevel,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { detailsOf, failureOf } from "../support/calls.js"
import { signerOf, trustWorld, type World } from "../support/trustWorld.js"
import { withRegistry } from "../support/withRegistry.js"

const { CREATE_AGENTS, DELEGATE_TRUST, GRANT_CAPABILITIES, CREATE_SUBORDINATE_AUTHORITIES } =
  AuthorityPermission
const HOUR_MICROS = 3_600_000_000n

describe("what an authority may sign", () => {
  const { registry, line } = withRegistry()
  const chains = () => line.calls(TrustStoreService)
  const authorities = () => line.calls(AuthorityService)
  const store = (chain: TrustLineageChain, more = {}) => chains().storeChain({ chain, ...more })
  const refusal = async (call: Promise<unknown>) => {
    const { info, badRequest } = detailsOf(await failureOf(call))
    return [info?.reason, ...(badRequest?.fieldViolations.map(({ field }) => field) ?? [])]
  }
  const now = () => BigInt(Date.now()) * 1000n

  const register = (id: string, permissions = usualPermissions(), more = {}) => {
    const keys = [{ keyId: "1", publicKey: signerOf(id).publicKey }]
    const authority = { id, name: id, authorityType: AuthorityType.ORGANIZATION, keys, permissions, ...more }
    return authorities().registerAuthority({ authority })
  }
  /** A world whose authorities are registered: the first is the one that establishes. */
  const registered = async (...ids: string[]): Promise<World> => {
    for (const id of ids) await register(id)
    return worldOf(...ids)
  }
  const worldOf = (...ids: string[]): World => {
    const world = trustWorld(now())
    for (const id of ids) world.authorities.set(id, { id, keys: [{ publicKey: signerOf(id).publicKey }] })
    return world
  }
  const verdicts = async (agentId: string) => {
    const { verifyTrust, checkAuthority } = line.calls(TrustVerificationService)
    const question = { agentId, action: "read_data" }
    const levels = [VerificationLevel.QUICK, VerificationLevel.STANDARD, VerificationLevel.FULL]
    const answers = await Promise.all(levels.map((level) => verifyTrust({ ...question, level })))
    return [...answers, await checkAuthority(question)].map(({ reason }) => reason)
  }
  const allowed = [0, 0, 0, 0]

  describe("an authority that is out of office", () => {
    it("signs nothing new, record by record, while what it signed before stays", async () => {
      const world = await registered("out-a", "out-b")
      const kept = await world.establish("out-kept", { authorityId: "out-a" })
      await store(kept)
      await authorities().deactivateAuthority({ authorityId: "out-a" })
      expect(await refusal(store(await world.establish("out-new", { authorityId: "out-a" })))).to.deep.equal([
        "AUTHORITY_INACTIVE",
        "chain.genesis.signature",
        "chain.chain_state_signature",
        "chain.capabilities[0].signature",
      ])
      // Its agents keep their chains, to which nothing is added.
      expect((await store(kept)).record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
      expect(await verdicts("out-kept")).to.deep.equal(allowed)
      const grant = {
        agentId: "out-kept",
        attesterId: "out-b",
        capabilities: [{ capability: "x", capabilityType: 1 as const }],
      }
      const more = await attest(grant, world, world.maker("out-b"), signerOf("out-a"))
      expect(await refusal(store(more))).to.deep.equal(["AUTHORITY_INACTIVE", "chain.chain_state_signature"])
      const below = await world.delegate("out-kept", "out-below")
      expect((await refusal(store(below)))[0]).to.equal("AUTHORITY_INACTIVE")
    })

    it("cannot pass off a record of another agent, or one that was never verified, as signed before", async () => {
      const world = worldOf("late-a")
      const chain = await world.establish("late-agent", { authorityId: "late-a" })
      expect((await store(chain)).record?.signatureStatus).to.equal(SignatureStatus.UNVERIFIED)
      await register("late-a")
      await authorities().deactivateAuthority({ authorityId: "late-a" })
      expect((await refusal(store(chain)))[0]).to.equal("AUTHORITY_INACTIVE")
      expect(await verdicts("late-agent")).to.deep.equal(Array(4).fill(DenialReason.AUTHORITY_INACTIVE))
    })

    it("is refused by the makers of the SDK before anything is signed", async () => {
      const world = await registered("maker-a")
      await world.establish("maker-agent", { authorityId: "maker-a" })
      world.authorities.set("maker-a", {
        ...world.authorities.get("maker-a"),
        id: "maker-a",
        keys: [{ publicKey: signerOf("maker-a").publicKey }],
        active: false,
      })
      const attestation = { agentId: "maker-agent", attesterId: "maker-a", capabilities: [] }
      for (const make of [
        () => world.establish("maker-other", { authorityId: "maker-a" }),
        () => world.delegate("maker-agent", "maker-below"),
        () => attest(attestation, world, world.maker("maker-a")),
      ]) {
        const code = await make().then(
          () => "made",
          (error) => error.code,
        )
        expect(code).to.equal("AUTHORITY_INACTIVE")
      }
    })
  })

  describe("permissions", () => {
    it("are needed for each kind of record, and named", async () => {
      const kinds = [
        [CREATE_AGENTS, "chain.genesis.signature"],
        [GRANT_CAPABILITIES, "chain.capabilities[0].signature"],
      ] as const
      for (const [lacking, field] of kinds) {
        const id = `lacks-${lacking}`
        await register(
          id,
          usualPermissions().filter((one) => one !== lacking),
        )
        const chain = await worldOf(id).establish(id, { authorityId: id })
        expect(await refusal(store(chain))).to.deep.equal(["AUTHORITY_NOT_PERMITTED", field])
      }
      await register("lends-not", [CREATE_AGENTS, GRANT_CAPABILITIES])
      const world = worldOf("lends-not")
      await store(await world.establish("lends-not-agent", { authorityId: "lends-not" }))
      const below = await world.delegate("lends-not-agent", "lends-not-below")
      expect(await refusal(store(below))).to.deep.equal([
        "AUTHORITY_NOT_PERMITTED",
        "chain.delegations[0].signature",
      ])
      await authorities().updateAuthority({
        authority: { id: "lends-not", permissions: [CREATE_AGENTS, GRANT_CAPABILITIES, DELEGATE_TRUST] },
      })
      await store(below)
      // What was signed with a permission stays when it is taken away.
      await authorities().updateAuthority({ authority: { id: "lends-not", permissions: [CREATE_AGENTS] } })
      expect((await store(below)).record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
      expect(await verdicts("lends-not-below")).to.deep.equal(allowed)
    })

    it("are those of the parent where an authority has none, and none without a parent", async () => {
      await register("top", [...usualPermissions(), CREATE_SUBORDINATE_AUTHORITIES])
      await register("heir", [], { parentAuthorityId: "top" })
      await register("orphan", [])
      await store(await worldOf("heir").establish("heir-agent", { authorityId: "heir" }))
      expect(await verdicts("heir-agent")).to.deep.equal(allowed)
      const orphan = await worldOf("orphan").establish("orphan-agent", { authorityId: "orphan" })
      expect((await refusal(store(orphan)))[0]).to.equal("AUTHORITY_NOT_PERMITTED")
      await authorities().deactivateAuthority({ authorityId: "top" })
      const late = await worldOf("heir").establish("heir-late", { authorityId: "heir" })
      expect((await refusal(store(late)))[0]).to.equal("AUTHORITY_NOT_PERMITTED")
    })

    it("CREATE_SUBORDINATE_AUTHORITIES is needed to be named as parent", async () => {
      await register("no-parent")
      const field = "authority.parent_authority_id"
      const child = register("no-parent-child", [], { parentAuthorityId: "no-parent" })
      expect(await refusal(child)).to.deep.equal(["AUTHORITY_NOT_PERMITTED", field])
      await register("no-parent-later")
      const moved = { id: "no-parent-later", parentAuthorityId: "no-parent" }
      expect(await refusal(authorities().updateAuthority({ authority: moved }))).to.deep.equal([
        "AUTHORITY_NOT_PERMITTED",
        field,
      ])
    })

    it("are worked out by the database as by the server, whatever the parents", async () => {
      const names = ["p0", "p1", "p2", "p3", "p4"]
      let round = 0
      const one = fc.record({
        parent: fc.nat(4),
        active: fc.boolean(),
        permissions: fc.subarray([CREATE_SUBORDINATE_AUTHORITIES, ...usualPermissions()], { maxLength: 2 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(one, { minLength: 5, maxLength: 5 }), async (given) => {
          const idOf = (place: number) => `${names[place]}-${round}`
          for (const [place, { parent, permissions }] of given.entries()) {
            const authority = {
              permissions: permissions.map((number) => `AUTHORITY_PERMISSION_${nameOf(number)}`),
            }
            const above = place > 0 && parent < place ? { parent_authority_id: idOf(parent) } : {}
            await registry.sql`
              insert into trust_authorities (authority_id, revision, authority_data, is_active)
              values (${idOf(place)}, 0, ${registry.sql.json({ id: idOf(place), ...authority, ...above })}::jsonb, ${given[place]?.active ?? true})`
          }
          const expected = (place: number): boolean => {
            const { parent, permissions, active } = given[place] as (typeof given)[number]
            if (!active) return false
            if (permissions.length > 0) return permissions.includes(CREATE_AGENTS)
            return place > 0 && parent < place && expected(parent)
          }
          for (const place of given.keys()) {
            const [row] = await registry.sql`
              select trust_authority_may(${idOf(place)}, 'AUTHORITY_PERMISSION_CREATE_AGENTS') as may`
            expect(row?.may, JSON.stringify(given)).to.equal(expected(place))
          }
          round++
        }),
        { numRuns: 30 },
      )
    })
  })

  describe("late is not early", () => {
    it("a key that was rotated away signs nothing new, whatever its date", async () => {
      const world = await registered("rotated")
      await store(await world.establish("rotated-kept", { authorityId: "rotated" }))
      await authorities().rotateAuthorityKey({
        authorityId: "rotated",
        keyId: "2",
        publicKey: signerOf("rotated-2").publicKey,
      })
      const early = trustWorld(now() - 60_000_000n)
      early.authorities.set("rotated", {
        id: "rotated",
        keys: [{ publicKey: signerOf("rotated").publicKey }],
      })
      const forged = await early.establish("rotated-forged", { authorityId: "rotated" })
      expect(await refusal(store(forged))).to.deep.equal([
        "TRUST_CHAIN_INVALID",
        "chain.genesis.signature",
        "chain.chain_state_signature",
        "chain.capabilities[0].signature",
      ])
      expect(await verdicts("rotated-kept")).to.deep.equal(allowed)
    })

    it("signs during the overlap, and not what is dated long before it is stored", async () => {
      const world = await registered("overlap")
      await authorities().rotateAuthorityKey({
        ...{ authorityId: "overlap", keyId: "2", publicKey: signerOf("overlap-2").publicKey },
        overlap: { seconds: 3_600n, nanos: 0 },
      })
      await store(await world.establish("overlap-agent", { authorityId: "overlap" }))
      const old = trustWorld(now() - 25n * HOUR_MICROS)
      const dated = await old.establish("overlap-old", { authorityId: "overlap" })
      expect((await refusal(store(dated)))[0]).to.equal("TRUST_CHAIN_INVALID")
    })

    it("an attestation that is dated in the future does not count yet", async () => {
      await register("future")
      const chain = await trustWorld(now() + HOUR_MICROS).establish("future-agent", { authorityId: "future" })
      await store(chain)
      const [, ...others] = await verdicts("future-agent")
      expect(others).to.deep.equal(Array(3).fill(DenialReason.NOT_YET_VALID))
    })
  })

  describe("whose word counts", () => {
    /** A chain whose capability another authority attests, its state signed by its own. */
    const attested = async (
      world: World,
      agentId: string,
      owner: string,
      attester: string,
      capability: string,
    ) => {
      await world.establish(agentId, { authorityId: owner, capabilities: [] })
      const grant = {
        agentId,
        attesterId: attester,
        capabilities: [{ capability, capabilityType: 1 as const }],
      }
      return world.keep(await attest(grant, world, world.maker(attester), signerOf(owner)))
    }

    it("an attestation of another authority counts only if the agent's own recognises it for such a name, and then", async () => {
      const world = await registered("own", "evil")
      await store(await attested(world, "claimed", "own", "evil", "*"))
      const [, ...denied] = await verdicts("claimed")
      expect(denied).to.deep.equal(Array(3).fill(DenialReason.ATTESTER_NOT_RECOGNISED))
      const recognise = async (capabilities: string[], more = {}) =>
        await authorities().updateAuthority({
          authority: { id: "own", recognised: [{ authorityId: "evil", capabilities, ...more }] },
          updateMask: { paths: ["recognised"] },
        })
      await recognise(["read_*"])
      expect((await verdicts("claimed"))[3]).to.equal(DenialReason.ATTESTER_NOT_RECOGNISED)
      await recognise(["*"])
      expect(await verdicts("claimed")).to.deep.equal(allowed)
      const { verifyTrust } = line.calls(TrustVerificationService)
      const answer = await verifyTrust({
        agentId: "claimed",
        action: "read_data",
        level: VerificationLevel.FULL,
      })
      expect(answer).to.include({ valid: true, authorityId: "own", attesterId: "evil" })
      await recognise(["*"], { notAfter: { seconds: BigInt(Math.floor(Date.now() / 1000) - 60), nanos: 0 } })
      expect((await verdicts("claimed"))[3]).to.equal(DenialReason.ATTESTER_NOT_RECOGNISED)
    })

    it("what an agent of another authority delegated counts without recognition, and not beyond it", async () => {
      const world = await registered("giver-org", "taker-org")
      await store(await world.establish("giver", { authorityId: "giver-org" }))
      await world.establish("taker", { authorityId: "taker-org", capabilities: [] })
      await store(await world.delegate("giver", "taker"))
      expect(await verdicts("taker")).to.deep.equal(allowed)
    })
  })

  describe("what is not understood", () => {
    it("another signature algorithm is refused on write, and denied offline", async () => {
      const world = await registered("algo")
      const chain = await world.establish("algo-agent", { authorityId: "algo" })
      if (!chain.genesis) throw new Error("establish makes a genesis record")
      chain.genesis.signatureAlgorithm = "ed25519"
      expect(await refusal(store(chain))).to.deep.equal([
        "TRUST_CHAIN_INVALID",
        "chain.genesis.signature_algorithm",
      ])
      for (const level of ["standard", "full"] as const)
        expect((await world.verify("algo-agent", level)).reason).to.equal("SIGNATURE_ALGORITHM_UNSUPPORTED")
    })

    it("a delegation that needs several signers counts for nothing in CheckAuthority until they have signed", async () => {
      const world = await registered("quorum")
      await store(await world.establish("quorum-top", { authorityId: "quorum" }))
      const others = ["one", "two"].map((name) => hexOf(signerOf(name).publicKey))
      const engine = {
        constraints: {
          allowNetwork: true,
          allowDelegation: true,
          allowCodeExecution: true,
          allowFilesystem: true,
          allowStateMutation: true,
        },
        resourceLimits: {},
        scope: { operations: ["read"] },
      }
      const heeds = ["max_*"]
      const ask = async (agentId: string) => {
        const { reason } = await line
          .calls(TrustVerificationService)
          .checkAuthority({ agentId, action: "read_data", heeds })
        return reason
      }
      const delegated = async (agentId: string, threshold: bigint, authorizedSigners: string[]) => {
        const multiSigPolicy = { threshold, authorizedSigners }
        await store(await world.delegate("quorum-top", agentId, { engine, multiSigPolicy }))
        return await ask(agentId)
      }
      const own = hexOf(signerOf("quorum").publicKey)
      expect(await delegated("quorum-none", 2n, others)).to.equal(DenialReason.QUORUM_NOT_MET)
      expect(await delegated("quorum-one", 2n, [own, ...others])).to.equal(DenialReason.QUORUM_NOT_MET)
      expect(await delegated("quorum-met", 1n, [own, ...others])).to.equal(0)
    })
  })

  describe("what was delegated stays delegated", () => {
    it("a delegation is not dropped without what it gave", async () => {
      const world = await registered("keeper-org", "lender-org")
      await store(await world.establish("lender", { authorityId: "lender-org" }))
      await world.establish("keeper", { authorityId: "keeper-org", capabilities: [] })
      const chain = await world.delegate("lender", "keeper")
      await store(chain)
      const [delegation] = chain.delegations
      const [capability] = chain.capabilities
      const kept = await resealed({ ...chain, delegations: [] } as TrustLineageChain, "keeper-org")
      const failure = await failureOf(store(kept))
      expect(detailsOf(failure).info?.reason).to.equal("TRUST_CHAIN_INVALID")
      expect(failure.details).to.contain(delegation?.id).and.contain(capability?.id)
      await store(
        await resealed({ ...chain, delegations: [], capabilities: [] } as TrustLineageChain, "keeper-org"),
      )
      expect((await verdicts("keeper"))[3]).to.equal(DenialReason.CAPABILITY_NOT_FOUND)
    })

    it("a new delegation gives no more than its delegator has: neither by name nor against no_delegation", async () => {
      const world = await registered("narrow-org")
      await store(await world.establish("narrow", { authorityId: "narrow-org" }))
      // A lie about what the delegator has, signed by its authority.
      const wide = trustWorld(now())
      wide.authorities.set("narrow-org", {
        id: "narrow-org",
        keys: [{ publicKey: signerOf("narrow-org").publicKey }],
      })
      const grant = { capability: "read_*", capabilityType: 1 as const }
      await wide.establish("narrow", { authorityId: "narrow-org", capabilities: [grant] })
      const widened = await wide.delegate("narrow", "widened", { capabilities: ["read_*"] })
      expect(await refusal(store(widened))).to.deep.equal(["TRUST_CHAIN_INVALID", "chain.delegations[0]"])
      await store(
        await world.establish("stuck", { authorityId: "narrow-org", constraints: ["no_delegation"] }),
      )
      await wide.establish("stuck", { authorityId: "narrow-org" })
      expect(await refusal(store(await wide.delegate("stuck", "unstuck")))).to.deep.equal([
        "TRUST_CHAIN_INVALID",
        "chain.delegations[0]",
      ])
    })
  })

  describe("nothing gets worse unseen", () => {
    it("a VERIFIED chain is replaced by an UNVERIFIED one only if the request says so", async () => {
      const world = await registered("worse")
      const chain = await world.establish("worse-agent", { authorityId: "worse" })
      await store(chain)
      const { chainStateSignature: _, ...unsigned } = chain
      const worse = unsigned as TrustLineageChain
      expect(await refusal(store(worse))).to.deep.equal(["VERIFICATION_LOST"])
      expect(await refusal(chains().updateChain({ agentId: "worse-agent", chain: worse }))).to.deep.equal([
        "VERIFICATION_LOST",
      ])
      const { results } = await chains().batchStoreChains({ requests: [{ chain: worse }], atomic: true })
      expect(results[0]?.result.case).to.equal("error")
      expect((await store(worse, { allowUnverified: true })).record?.signatureStatus).to.equal(
        SignatureStatus.UNVERIFIED,
      )
    })

    it("an agent moves to another genesis authority only if the request says so", async () => {
      const world = await registered("from", "to")
      await store(await world.establish("mover", { authorityId: "from" }))
      const moved = await world.establish("mover", { authorityId: "to" })
      const failure = detailsOf(await failureOf(store(moved)))
      expect(failure.info).to.deep.include({ reason: "AUTHORITY_CHANGED" })
      expect(failure.info?.metadata).to.include({ authority_id: "from" })
      expect((await store(moved, { allowNewAuthority: true })).record?.authorityId).to.equal("to")
    })

    it("QUICK denies a chain of an authority that is not registered", async () => {
      await store(await worldOf("nobody").establish("nobody-agent", { authorityId: "nobody" }))
      expect((await verdicts("nobody-agent"))[0]).to.equal(DenialReason.AUTHORITY_UNKNOWN)
    })

    it("a restored chain is judged again", async () => {
      const world = await registered("restorer")
      await store(await world.establish("restored", { authorityId: "restorer" }))
      await chains().deleteChain({ agentId: "restored" })
      await line
        .calls(RevocationService)
        .revokeKey({ authorityId: "restorer", keyId: "1", requestId: randomUUID() })
      expect((await refusal(chains().restoreChain({ agentId: "restored" })))[0]).to.equal(
        "TRUST_CHAIN_INVALID",
      )
    })

    it("a chain whose authority is registered later is judged by what that may do", async () => {
      const world = worldOf("after")
      const chain = await world.establish("after-agent", { authorityId: "after" })
      await store(chain)
      await register("after", [CREATE_AGENTS])
      expect(await verdicts("after-agent")).to.deep.equal(Array(4).fill(DenialReason.AUTHORITY_NOT_PERMITTED))
      expect((await refusal(store(chain)))[0]).to.equal("AUTHORITY_NOT_PERMITTED")
      await authorities().updateAuthority({ authority: { id: "after", permissions: usualPermissions() } })
      expect(await verdicts("after-agent")).to.deep.equal(allowed)
    })
  })
})

function hexOf(publicKey: string): string {
  return Buffer.from(publicKey, "base64").toString("hex")
}

/** A chain with a new signature of its state. */
async function resealed(chain: TrustLineageChain, authorityId: string): Promise<TrustLineageChain> {
  return { ...chain, chainStateSignature: await signText(signerOf(authorityId), chainStatePayload(chain)) }
}

function nameOf(number: AuthorityPermission): string {
  const found = Object.entries(AuthorityPermission).find(([, value]) => value === number)
  return found?.[0] ?? ""
}
