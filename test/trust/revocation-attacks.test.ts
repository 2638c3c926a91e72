import { randomUUID } from "node:crypto"
import type { MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainStatus,
  DenialReason,
  type Revocation,
  RevocationMode,
  RevocationService,
  type TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf, failureOf } from "../support/calls.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"
import { withRegistry } from "../support/withRegistry.js"

describe("revocations under attack", () => {
  const { registry, line } = withRegistry({ logLevel: "error" })

  const chains = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)
  const authorities = () => line.calls(AuthorityService)
  const strong = { requirement: { case: "strong", value: true } } as const
  const verify = (agentId: string, action = "read_data") =>
    line.calls(TrustVerificationService).verifyTrust({ agentId, action, level: 3, consistency: strong })
  const store = async (chain: MessageInitShape<typeof TrustLineageChainSchema>, requestId = "") =>
    (await chains().storeChain({ chain, requestId })).record
  const statusOf = async (agentId: string) =>
    (await chains().getChain({ agentId, includeInactive: true, consistency: strong })).stored?.record?.status
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason
  const suspend = async (agentId: string) =>
    told(await revocations().revokeAgent({ agentId, mode: RevocationMode.SUSPEND }))
  const delegating = (agentId: string, delegatorIds: string[], names = ["read"]) => ({
    ...sampleChain(agentId),
    capabilities: names.map((name, index) =>
      capability(name, { id: `${agentId.slice(0, 20)}-cap-${index}` }),
    ),
    delegations: delegatorIds.map((delegatorId, index) =>
      delegation(agentId, {
        id: `${agentId.slice(0, 20)}-delegation-${index}`,
        delegatorId,
        capabilitiesDelegated: names,
      }),
    ),
  })
  const delegated = (agentId: string, ...delegatorIds: string[]) => store(delegating(agentId, delegatorIds))
  /** Rows as no server writes them: each delegated to by `delegator`, an expression over n. */
  const byHand = (prefix: string, count: number, delegator: string) =>
    registry.sql.unsafe(`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
      select a, 0, 'org', jsonb_build_object(
        'genesis', jsonb_build_object('agent_id', a, 'authority_id', 'org'),
        'delegations', jsonb_build_array(jsonb_build_object('id', 'delegation-' || n, 'delegator_id', ${delegator},
          'delegatee_id', a, 'capabilities_delegated', jsonb_build_array('read')))), 100, 'x', 'x'
      from (select n, '${prefix}-' || n as a from generate_series(1, ${count}) n) s`)

  describe("with old requests", () => {
    it("are refused with a request_id that changed one of the chains, which is named", async () => {
      const [first, last] = [randomUUID(), randomUUID()]
      await store(delegating("reuse-a", []), first)
      await store(delegating("reuse-a", []), last)
      await delegated("reuse-top")
      await store(delegating("reuse-b", ["reuse-top"]), first)
      await store(delegating("reuse-b", ["reuse-top"]), last)
      for (const requestId of [first, last]) {
        for (const agentId of ["reuse-a", "reuse-top"]) {
          const { info, badRequest } = detailsOf(
            await failureOf(revocations().revokeAgent({ agentId, requestId })),
          )
          expect(info?.reason).to.equal("REQUEST_ID_REUSED")
          expect(badRequest?.fieldViolations[0]?.field).to.equal("request_id")
        }
        const delegationId = "reuse-b-delegation-0"
        expect(
          await reasonOf(revocations().revokeDelegation({ agentId: "reuse-b", delegationId, requestId })),
        ).to.equal("REQUEST_ID_REUSED")
      }
      expect((await revocations().listRevokedRecords({ agentId: "reuse-b" })).records).to.deep.equal([])
      expect(await statusOf("reuse-top")).to.equal(ChainStatus.ACTIVE)
    })

    it("cannot be lifted with a request_id that changed the chains, and record who lifted them", async () => {
      const requestId = randomUUID()
      await store(delegating("lift-reuse", []), requestId)
      const { revocationId } = await suspend("lift-reuse")
      for (const used of [requestId, revocationId])
        expect(await reasonOf(revocations().liftSuspension({ revocationId, requestId: used }))).to.equal(
          "REQUEST_ID_REUSED",
        )
      expect(await statusOf("lift-reuse")).to.equal(ChainStatus.SUSPENDED)
      const { records } = told(await revocations().liftSuspension({ revocationId, requestId: randomUUID() }))
      expect(records[0]?.liftedBy).to.match(/^peer:/)
      const { record } =
        (await chains().getChain({ agentId: "lift-reuse", consistency: strong })).stored ?? {}
      expect(record?.updatedBy).to.match(/^peer:/)
    })

    it("cannot revoke a key with the request_id of a change of its authority", async () => {
      const requestId = randomUUID()
      await authorities().registerAuthority({ authority: authority("key-reuse"), requestId })
      const revoke = revocations().revokeKey({ authorityId: "key-reuse", keyId: "1", requestId })
      expect(await reasonOf(revoke)).to.equal("REQUEST_ID_REUSED")
    })

    it("return the first response to a retried store, and keep the chain revoked", async () => {
      const requestId = randomUUID()
      const chain = delegating("old-store", [])
      const before = await store(chain, requestId)
      await revocations().revokeAgent({ agentId: "old-store" })
      expect((await store(chain, requestId))?.revision).to.equal(before?.revision)
      expect(await statusOf("old-store")).to.equal(ChainStatus.REVOKED)
      await chains().purgeChain({ agentId: "old-store" })
      expect((await store(chain, requestId))?.revision).to.equal(before?.revision)
      expect(await reasonOf(chains().getChain({ agentId: "old-store", includeInactive: true }))).to.equal(
        "TRUST_CHAIN_NOT_FOUND",
      )
    })

    it("do not suspend again when a lifted suspension is retried", async () => {
      await delegated("again-lifted")
      const request = {
        agentId: "again-lifted",
        mode: RevocationMode.SUSPEND,
        requestId: randomUUID().toUpperCase(),
      }
      const { revocationId } = told(await revocations().revokeAgent(request))
      await revocations().liftSuspension({ revocationId })
      expect(told(await revocations().revokeAgent(request)).records[0]?.liftedAt).to.exist
      expect(await statusOf("again-lifted")).to.equal(ChainStatus.ACTIVE)
    })
  })

  describe("with graphs", () => {
    const completed = () =>
      until("all are revoked", async () => {
        const [left] = await registry.sql`select count(*)::int as count from trust_cascades`
        return left?.count === 0
      })

    it("reach 4,000 descendants, 200 levels, a cycle or a self-delegation in one call", async () => {
      await delegated("flat-0")
      await byHand("flat", 4_000, "'flat-0'")
      const revokeFlat = { agentId: "flat-0", requestId: randomUUID() }
      expect(told(await revocations().revokeAgent(revokeFlat)).inProgress).to.equal(true)
      await completed()
      const flat = told(await revocations().revokeAgent(revokeFlat))
      expect(flat.recordCount).to.equal(4_001n)
      await byHand("deep", 200, "'deep-' || (n - 1)")
      const deep = told(await revocations().revokeAgent({ agentId: "deep-0" }))
      expect(deep.recordCount).to.equal(201n)
      expect(deep.records.find(({ agentId }) => agentId === "deep-200")?.descendsFrom).to.equal("deep-199")
      await byHand("ring", 50, "'ring-' || (n % 50 + 1)")
      const ring = told(await revocations().revokeAgent({ agentId: "ring-7" }))
      expect(ring.recordCount).to.equal(50n)
      expect(ring.records[0]?.agentId).to.equal("ring-7")
      expect(ring.records.filter(({ descendsFrom }) => descendsFrom === undefined)).to.have.length(1)
      await byHand("selfish", 1, "'selfish-' || n")
      expect(told(await revocations().revokeAgent({ agentId: "selfish-1" })).recordCount).to.equal(1n)
    })

    it("terminate if everyone delegates to everyone, and report each agent once", async () => {
      const delegation = `jsonb_build_object(
        'id', 'm' || m, 'delegator_id', 'mesh-' || m, 'capabilities_delegated', '["read"]'::jsonb)`
      await registry.sql.unsafe(`
        insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
        select 'mesh-' || n, 0, 'org', jsonb_build_object('genesis', jsonb_build_object('agent_id', 'mesh-' || n),
          'delegations', (select jsonb_agg(${delegation}) from generate_series(1, 60) m)), 100, 'x', 'x'
        from generate_series(1, 60) n`)
      const request = { agentId: "mesh-1", delegationId: "m2", requestId: randomUUID() }
      expect(told(await revocations().revokeDelegation(request)).inProgress).to.equal(true)
      await completed()
      expect(told(await revocations().revokeDelegation(request)).recordCount).to.equal(3_600n)
    })

    it("include agents delegated to in rows that the registry never wrote", async () => {
      await delegated("odd-top")
      await delegated("odd-fine", "odd-top")
      for (const [index, delegations] of [
        "null",
        '{"id": "single", "delegator_id": "odd-top"}',
        '[null, 7, {"id": "l", "delegator_id": "odd-top", "capabilities_delegated": null}]',
        '[{"delegator_id": "odd-top", "capabilities_delegated": "read"}, {"id": 7, "delegator_id": "odd-top"}]',
      ].entries())
        await registry.sql`
          insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
          values (${`odd-${index}`}, 0, 'org',
            jsonb_build_object('delegations', ${delegations}::text::jsonb, 'capabilities', null), 10, 'x', 'x')`
      const { records } = told(await suspend("odd-top").then((revocation) => ({ revocation })))
      expect(records.map(({ agentId }) => agentId)).to.deep.equal([
        "odd-top",
        "odd-1",
        "odd-2",
        "odd-3",
        "odd-fine",
      ])
      const cap = revocations().revokeCapability({ agentId: "odd-top", capabilityId: "odd-top-cap-0" })
      expect(told(await cap).records.map(({ agentId }) => agentId)).to.deep.equal(["odd-top", "odd-fine"])
      await delegated("odd-deep", "odd-free")
      await delegated("odd-free")
      const delegation = revocations().revokeDelegation({
        agentId: "odd-deep",
        delegationId: "odd-deep-delegation-0",
      })
      expect(told(await delegation).recordCount).to.equal(1n)
    })

    it("find a delegator two levels up without a stored chain", async () => {
      await delegated("two-c", "two-b")
      await delegated("two-b", "two-a")
      const { records } = told(await revocations().revokeAgent({ agentId: "two-a" }))
      expect(records.map(({ agentId }) => agentId)).to.deep.equal(["two-a", "two-b", "two-c"])
      await chains().purgeChain({ agentId: "two-b" })
      expect(await reasonOf(delegated("two-d", "two-b"))).to.equal("TRUST_CHAIN_INVALID")
      // Nor under another delegator: who was revoked stays so.
      expect(await reasonOf(delegated("two-b", "elsewhere"))).to.equal("TRUST_CHAIN_REVOKED")
      await chains().purgeChain({ agentId: "two-c" })
      expect(await reasonOf(delegated("two-c", "elsewhere"))).to.equal("TRUST_CHAIN_REVOKED")
    })
  })

  describe("with unusual text", () => {
    it("reach capabilities and ids with any characters, up to 512 bytes", async () => {
      const names = [`a"b'c\\d`, "é😀\u{10ffff}", "{x,y}", "null", "%_", "\u0001\n\t", "$1 --"]
      const top = `${"x".repeat(500)}-top`
      const low = `${"ü".repeat(256)}`
      await store(delegating(top, [], names))
      await store(delegating(low, [top], names))
      for (const [index, name] of names.entries()) {
        const capabilityId = `${top.slice(0, 20)}-cap-${index}`
        const { records } = told(await revocations().revokeCapability({ agentId: top, capabilityId }))
        expect(
          records.map(({ agentId }) => agentId),
          name,
        ).to.deep.equal([top, low])
      }
      expect(
        told(await revocations().revokeAgent({ agentId: top, reason: names.join("") })).recordCount,
      ).to.equal(2n)
      expect(await statusOf(low)).to.equal(ChainStatus.REVOKED)
      const { records } = await revocations().listRevokedRecords({ agentId: low, standingOnly: true })
      expect(records).to.have.length(names.length + 1)
    })
  })

  describe("with concurrent calls", () => {
    it("leave a chain in the state that those in force imply, in any order of revoking and lifting", async () => {
      await delegated("storm-top")
      await delegated("storm-low", "storm-top")
      await Promise.all(
        Array.from({ length: 12 }, async (_, round) => {
          const { revocationId } = await suspend(round % 2 ? "storm-top" : "storm-low")
          if (round < 10) await revocations().liftSuspension({ revocationId })
        }),
      )
      expect(await statusOf("storm-low")).to.equal(ChainStatus.SUSPENDED)
      const { records } = await revocations().listRevokedRecords({ agentId: "storm-low", standingOnly: true })
      expect(records).to.have.length(2)
      for (const { revocationId } of records) {
        expect(await statusOf("storm-low")).to.equal(ChainStatus.SUSPENDED)
        await revocations().liftSuspension({ revocationId })
      }
      expect(await statusOf("storm-low")).to.equal(ChainStatus.ACTIVE)
    })

    it("let a graceful revocation that came due during a suspension hold after the lift", async () => {
      await delegated("both")
      const { revocationId } = await suspend("both")
      await registry.sql`
        insert into trust_revocations (revocation_id, kind, agent_id, mode, effective_at)
        values (gen_random_uuid(), 'agent', 'both', 'graceful', now() - interval '1 second')`
      await revocations().liftSuspension({ revocationId })
      expect(await reasonOf(chains().getChain({ agentId: "both", consistency: strong }))).to.equal(
        "TRUST_CHAIN_NOT_FOUND",
      )
      expect((await verify("both")).reason).to.equal(DenialReason.REVOKED)
      expect(await reasonOf(delegated("both"))).to.equal("TRUST_CHAIN_REVOKED")
      expect(await reasonOf(chains().deleteChain({ agentId: "both" }))).to.equal("TRUST_CHAIN_REVOKED")
      expect(await reasonOf(chains().restoreChain({ agentId: "both" }))).to.equal("TRUST_CHAIN_REVOKED")
    })

    it("revoke a suspended agent's delegation for good", async () => {
      await delegated("s-and-d", "delegator-s")
      const { revocationId } = await suspend("s-and-d")
      await revocations().revokeDelegation({ agentId: "s-and-d", delegationId: "s-and-d-delegation-0" })
      await revocations().liftSuspension({ revocationId })
      expect(await statusOf("s-and-d")).to.equal(ChainStatus.ACTIVE)
      expect(await verify("s-and-d")).to.include({ valid: false, reason: DenialReason.REVOKED })
    })

    it("are not undone by an update at the revision before them", async () => {
      const record = await delegated("expected")
      await suspend("expected")
      const update = { agentId: "expected", chain: delegating("expected", []) }
      expect(
        await reasonOf(chains().updateChain({ ...update, expectedRevision: record?.revision ?? 0n })),
      ).to.equal("REVISION_CONFLICT")
      expect(await reasonOf(chains().updateChain(update))).to.equal("TRUST_CHAIN_INACTIVE")
    })
  })

  describe("by hand", () => {
    it("are lifted with the whole cascade, even if a part was lifted by hand", async () => {
      await delegated("part-top")
      await delegated("part-low", "part-top")
      const { revocationId } = await suspend("part-top")
      for (const agentId of ["part-low", "part-top"]) {
        await registry.sql`
          update trust_revocations set lifted_at = now()
          where revocation_id = ${revocationId} and agent_id = ${agentId} and agent_id = 'part-low'`
      }
      expect(await statusOf("part-low")).to.equal(ChainStatus.ACTIVE)
      expect(await statusOf("part-top")).to.equal(ChainStatus.SUSPENDED)
      const { records } = told(await revocations().liftSuspension({ revocationId }))
      expect(records.map(({ liftedBy = "" }) => liftedBy.split(":")[0])).to.have.members(["peer", "postgres"])
      expect(await statusOf("part-top")).to.equal(ChainStatus.ACTIVE)
    })

    it("cannot be inserted if invalid, removed, or moved to another target", async () => {
      await delegated("columns")
      const { revocationId } = await suspend("columns")
      const { sql } = registry
      for (const [statement, told] of [
        [
          `insert into trust_revocations (revocation_id, kind, agent_id, mode) values (gen_random_uuid(), 'agent', 'x', 'graceful')`,
          "check",
        ],
        [
          `insert into trust_revocations (revocation_id, kind, agent_id, mode) values (gen_random_uuid(), 'king', 'x', 'suspend')`,
          "check",
        ],
        [
          `insert into trust_revocations (revocation_id, kind, authority_id, mode) values (gen_random_uuid(), 'agent', 'x', 'suspend')`,
          "check",
        ],
        [
          `insert into trust_revocations (revocation_id, kind, authority_id, record_id, mode) values (gen_random_uuid(), 'key', 'x', '1', 'suspend')`,
          "check",
        ],
        [
          `update trust_revocations set agent_id = 'x', lifted_at = now() where revocation_id = '${revocationId}'`,
          "cannot be changed",
        ],
        [
          `update trust_revocations set reason = 'x' where revocation_id = '${revocationId}'`,
          "cannot be changed",
        ],
        ["delete from trust_revocations", "are kept"],
        ["truncate trust_revocations", "are kept"],
        [
          "update trust_chains set status = 'active', is_active = true, revokes_at = null, revocations = '[]' where agent_id = 'columns'",
          "",
        ],
      ] as const) {
        const failure = await sql.unsafe(statement).then(
          () => "",
          (error) => error.message as string,
        )
        expect(failure, statement).to.include(told)
      }
      expect(await statusOf("columns")).to.equal(ChainStatus.SUSPENDED)
      await sql`
        insert into trust_revocations (revocation_id, revision, kind, agent_id, mode, revoked_at, lifted_at, effective_at)
        values (${randomUUID()}, -7, 'agent', 'columns', 'immediate', 'infinity', now(), '-infinity')`
      expect(await statusOf("columns")).to.equal(ChainStatus.REVOKED)
      const [row] =
        await sql`select max(revision) > 0 and bool_and(lifted_at is null) as sound from trust_revocations where agent_id = 'columns'`
      expect(row?.sound).to.equal(true)
    })
  })

  describe("of keys", () => {
    const keyOf = async (authorityId: string) =>
      (await authorities().getAuthority({ authorityId })).stored?.authority?.keys[0]

    it("hold whatever writes the authority: by hand, or removed and registered again", async () => {
      await authorities().registerAuthority({ authority: authority("anew") })
      const world = trustWorld()
      await store(await world.establish("of-anew", { authorityId: "anew" }))
      await revocations().revokeKey({ authorityId: "anew", keyId: "1" })
      const { sql } = registry
      await sql`
        update trust_authorities set authority_data = authority_data #- '{keys,0,revoked_at}' where authority_id = 'anew'`
      expect((await keyOf("anew"))?.revokedAt).to.exist
      await sql`delete from trust_authorities where authority_id = 'anew'`
      await authorities().registerAuthority({ authority: authority("anew") })
      expect((await keyOf("anew"))?.revokedAt).to.exist
      expect((await verify("of-anew")).valid).to.equal(false)
      expect(await reasonOf(store(await world.establish("of-anew-2", { authorityId: "anew" })))).to.equal(
        "TRUST_CHAIN_INVALID",
      )
    })

    it("return the first response to a store retried after its key was revoked, and store nothing else", async () => {
      await authorities().registerAuthority({ authority: authority("late-retry") })
      const chain = await trustWorld().establish("of-late-retry", { authorityId: "late-retry" })
      const requestId = randomUUID()
      const first = await store(chain, requestId)
      await revocations().revokeKey({ authorityId: "late-retry", keyId: "1" })
      expect(await store(chain, requestId)).to.deep.equal(first)
      expect(await reasonOf(store(chain, randomUUID()))).to.equal("TRUST_CHAIN_INVALID")
      expect(await reasonOf(store({ ...chain, capabilities: [] }, requestId))).to.equal("TRUST_CHAIN_INVALID")
      const { record } =
        (await chains().getChain({ agentId: "of-late-retry", consistency: strong })).stored ?? {}
      expect(record?.revision).to.equal(first?.revision)
    })

    it("hold against a racing update or rotation", async () => {
      for (let round = 0; round < 8; round++) {
        const authorityId = `race-${round}`
        await authorities().registerAuthority({ authority: authority(authorityId) })
        const { name, authorityType } = authority(authorityId)
        const publicKey = signerOf(`${authorityId}-next`).publicKey
        const outcomes = await Promise.allSettled([
          authorities().updateAuthority({ authority: { id: authorityId, name: `${name}!`, authorityType } }),
          authorities().rotateAuthorityKey({ authorityId, keyId: "2", publicKey }),
          revocations().revokeKey({ authorityId, keyId: "1" }),
          authorities().updateAuthority({ authority: { id: authorityId, name: `${name}?`, authorityType } }),
        ])
        expect(outcomes.map(({ status }) => status)).to.deep.equal(Array(4).fill("fulfilled"))
        const { authority: after } = (await authorities().getAuthority({ authorityId })).stored ?? {}
        expect(after?.keys.map(({ keyId, revokedAt }) => [keyId, revokedAt !== undefined])).to.deep.equal([
          ["1", true],
          ["2", false],
        ])
      }
    })

    it("refuse a rotation that restores the key under another id", async () => {
      await authorities().registerAuthority({ authority: authority("again-key") })
      await revocations().revokeKey({ authorityId: "again-key", keyId: "1" })
      const { publicKey } = signerOf("again-key")
      const rotate = authorities().rotateAuthorityKey({ authorityId: "again-key", keyId: "2", publicKey })
      expect(await reasonOf(rotate)).to.equal("AUTHORITY_INVALID")
    })

    it("apply the strictest of several, and accept a time beyond all years", async () => {
      await authorities().registerAuthority({ authority: authority("strict") })
      const compromisedAt = timestampFromMs(Date.now() - 60_000)
      await revocations().revokeKey({ authorityId: "strict", keyId: "1", compromisedAt })
      await revocations().revokeKey({ authorityId: "strict", keyId: "1" })
      expect((await keyOf("strict"))?.revokedAt).to.exist
      expect((await keyOf("strict"))?.compromisedAt).to.equal(undefined)
      await authorities().registerAuthority({ authority: authority("infinite") })
      await registry.sql`
        insert into trust_revocations (revocation_id, kind, authority_id, record_id, mode, compromised_at)
        values (gen_random_uuid(), 'key', 'infinite', '1', 'immediate', 'infinity')`
      expect((await keyOf("infinite"))?.revokedAt).to.exist
      await registry.sql`
        update trust_authorities set authority_data = jsonb_set(authority_data, '{keys}', 'null') where authority_id = 'infinite'`
      const none = revocations().revokeKey({ authorityId: "infinite", keyId: "1" })
      expect(await reasonOf(none)).to.equal("TRUST_RECORD_NOT_FOUND")
    })
  })
})

function authority(id: string) {
  const keys = [{ keyId: "1", publicKey: signerOf(id).publicKey }]
  return { id, name: id, authorityType: AuthorityType.ORGANIZATION, keys, permissions: usualPermissions() }
}

function told({ revocation }: { revocation?: Revocation | undefined }): Revocation {
  if (!revocation) throw new Error("the answer has no revocation")
  return revocation
}
