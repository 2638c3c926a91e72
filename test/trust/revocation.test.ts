import { randomUUID } from "node:crypto"
import { type MessageInitShape, toJson } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { capabilityCovers, cascade, usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainStatus,
  DenialReason,
  type Revocation,
  RevocationMode,
  RevocationService,
  RevokedKind,
  RevokedRecordSchema,
  type TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

describe("revocation", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
    await line.calls(AuthorityService).registerAuthority({ authority: authority("org-a") })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const chains = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)
  const verify = (agentId: string, action = "read_data") =>
    line.calls(TrustVerificationService).verifyTrust({ agentId, action, level: 3 })
  const store = async (chain: MessageInitShape<typeof TrustLineageChainSchema>) =>
    (await chains().storeChain({ chain })).record
  const statusOf = async (agentId: string) =>
    (await chains().getChain({ agentId, includeInactive: true })).stored?.record?.status
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call))
  /** Agents without signatures, each delegated to by others: unknown authorities make them UNVERIFIED. */
  const delegated = (agentId: string, ...delegatorIds: string[]) =>
    store({
      ...sampleChain(agentId),
      capabilities: [
        capability("read", { id: `${agentId}-read` }),
        capability("pay", { id: `${agentId}-pay` }),
      ],
      delegations: delegatorIds.map((delegatorId) =>
        delegation(agentId, { id: `${delegatorId}>${agentId}`, delegatorId }),
      ),
    })

  describe("of an agent", () => {
    it("revokes 1,000 descendants in one transaction, reported record by record", async () => {
      await delegated("root")
      for (let group = 0; group < 10; group++) await delegated(`mid-${group}`, "root")
      await Promise.all(
        Array.from({ length: 990 }, (_, leaf) => delegated(`leaf-${leaf}`, `mid-${leaf % 10}`)),
      )
      await delegated("bystander")
      const revocation = told(await revocations().revokeAgent({ agentId: "root", reason: "stolen" }))
      expect(revocation.recordCount).to.equal(1_001n)
      const [named, ...descended] = revocation.records
      expect(named).to.include({ agentId: "root", kind: RevokedKind.AGENT, reason: "stolen" })
      expect(named?.descendsFrom).to.equal(undefined)
      const from = new Map(descended.map((record) => [record.agentId, record.descendsFrom]))
      expect(from.size).to.equal(1_000)
      expect(from.get("mid-3")).to.equal("root")
      expect(from.get("leaf-7")).to.equal("mid-7")
      const transactions = await registry.sql`
        select xmin::text from trust_chains where status = 'revoked' and request_id = ${revocation.revocationId}
        union select xmin::text from trust_revocations where revocation_id = ${revocation.revocationId}`
      expect(transactions).to.have.length(1)
      const [{ last } = { last: 0n }] =
        await registry.sql`select max(revision) as last from trust_chain_revisions`
      expect(revocation.revision).to.equal(BigInt(last))
      for (const agentId of ["root", "mid-3", "leaf-7", "leaf-989"]) {
        expect((await reasonOf(chains().getChain({ agentId }))).info?.reason).to.equal(
          "TRUST_CHAIN_NOT_FOUND",
        )
        expect(await verify(agentId)).to.include({ valid: false, reason: DenialReason.REVOKED })
      }
      expect(await statusOf("bystander")).to.equal(ChainStatus.ACTIVE)
    })

    it("reaches the agents that EATP's cascade reaches, in any graph", async () => {
      let round = 0
      const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(edges, async (pairs) => {
          const name = (agent: number) => `g${round}-${agent}`
          round++
          // Downwards only, so that no write closes a circle.
          const delegations = pairs
            .filter(([from, to]) => from < to)
            .map(([from, to]) => [name(from), name(to)] as const)
          for (let agent = 0; agent < 8; agent++) {
            const delegators = new Set(
              delegations.filter(([, to]) => to === name(agent)).map(([from]) => from),
            )
            await delegated(name(agent), ...delegators)
          }
          const { records } = told(await revocations().revokeAgent({ agentId: name(1) }))
          expect(records.map(({ agentId }) => agentId).sort()).to.deep.equal(
            cascade(delegations, name(1)).sort(),
          )
        }),
        { numRuns: 15 },
      )
    })

    it("without a stored chain revokes what it delegated, and an unknown agent is not found", async () => {
      await delegated("b-of-unknown", "unknown")
      const { records } = told(await revocations().revokeAgent({ agentId: "unknown" }))
      expect(records.map(({ agentId }) => agentId)).to.deep.equal(["unknown", "b-of-unknown"])
      expect(await statusOf("b-of-unknown")).to.equal(ChainStatus.REVOKED)
      const { info, badRequest } = await reasonOf(delegated("late-of-unknown", "unknown"))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      expect(badRequest?.fieldViolations[0]).to.include({ field: "chain.delegations" })
      expect(badRequest?.fieldViolations[0]?.description).to.include('"unknown"')
      expect((await reasonOf(delegated("unknown"))).info?.reason).to.equal("TRUST_CHAIN_REVOKED")
      const stranger = await reasonOf(revocations().revokeAgent({ agentId: "stranger" }))
      expect(stranger.info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    })

    it("is permanent, whatever is tried: store, restore, purge and store, by hand", async () => {
      await delegated("gone")
      await revocations().revokeAgent({ agentId: "gone" })
      const refused = [
        () => delegated("gone"),
        () => chains().restoreChain({ agentId: "gone" }),
        () => chains().deleteChain({ agentId: "gone" }),
      ]
      for (const call of refused)
        expect((await reasonOf(call())).info?.reason).to.equal("TRUST_CHAIN_REVOKED")
      await registry.sql`update trust_chains set status = 'active' where agent_id = 'gone'`
      expect(await statusOf("gone")).to.equal(ChainStatus.REVOKED)
      await chains().purgeChain({ agentId: "gone" })
      expect((await reasonOf(delegated("gone"))).info?.reason).to.equal("TRUST_CHAIN_REVOKED")
      const told = await failureOf(registry.sql`delete from trust_revocations where agent_id = 'gone'`)
      expect(told.message).to.include("revocations are kept")
    })

    it("leaves no racing delegation in force", async () => {
      for (let round = 0; round < 10; round++) {
        const agentId = `racer-${round}`
        await delegated(agentId)
        const stores = Array.from({ length: 8 }, (_, child) => delegated(`${agentId}-${child}`, agentId))
        const revoked = revocations().revokeAgent({ agentId })
        await Promise.allSettled([...stores, revoked])
        const left = await registry.sql`
          select agent_id from trust_chains where agent_id like ${`${agentId}-%`} and status <> 'revoked'`
        expect(left).to.deep.equal([])
      }
    })
  })

  describe("modes", () => {
    it("graceful takes effect at its time, without another write", async () => {
      await delegated("retiring")
      await delegated("heir", "retiring")
      const effectiveAt = timestampFromMs(Date.now() + scaled(1_500))
      const { revision } = told(
        await revocations().revokeAgent({ agentId: "retiring", mode: RevocationMode.GRACEFUL, effectiveAt }),
      )
      const { record } = (await chains().getChain({ agentId: "heir" })).stored ?? {}
      expect(record?.revokesAt).to.deep.equal(effectiveAt)
      expect(record?.status).to.equal(ChainStatus.ACTIVE)
      expect(await countOf("heir")).to.equal(1n)
      await delegated("heir", "retiring")
      await until("the moment has come", async () => (await verify("heir")).reason === DenialReason.REVOKED)
      expect((await reasonOf(chains().getChain({ agentId: "heir" }))).info?.reason).to.equal(
        "TRUST_CHAIN_NOT_FOUND",
      )
      expect(await countOf("heir")).to.equal(0n)
      const late = await reasonOf(delegated("heir", "retiring"))
      expect(late.info?.reason).to.be.oneOf(["TRUST_CHAIN_INVALID", "TRUST_CHAIN_REVOKED"])
      for (const call of [
        () => chains().restoreChain({ agentId: "heir" }),
        () => chains().deleteChain({ agentId: "heir" }),
      ])
        expect((await reasonOf(call())).info).to.deep.include({
          reason: "TRUST_CHAIN_REVOKED",
          metadata: { status: "REVOKED" },
        })
      const [{ last } = { last: 0n }] =
        await registry.sql`select max(revision) as last from trust_revocations`
      expect(BigInt(last) <= revision).to.equal(true)
    })

    it("suspend can be lifted with its whole cascade, and leaves other revocations in force", async () => {
      await delegated("boss-s")
      await delegated("staff-s", "boss-s")
      await delegated("thief-s", "boss-s")
      await delegated("deleted-s", "boss-s")
      await chains().deleteChain({ agentId: "deleted-s" })
      const suspension = told(
        await revocations().revokeAgent({ agentId: "boss-s", mode: RevocationMode.SUSPEND }),
      )
      expect(await statusOf("staff-s")).to.equal(ChainStatus.SUSPENDED)
      const refused = await failureOf(chains().restoreChain({ agentId: "staff-s" }))
      expect(detailsOf(refused).info?.metadata).to.include({ status: "SUSPENDED" })
      expect(refused.details).to.match(
        /restore is refused; .* ListRevokedRecords names the revocation, .*LiftSuspension/,
      )
      await revocations().revokeAgent({ agentId: "thief-s" })
      const { revocationId } = suspension
      const lifted = told(await revocations().liftSuspension({ revocationId }))
      expect(lifted.records.every(({ liftedAt }) => liftedAt !== undefined)).to.equal(true)
      expect(lifted.revision > suspension.revision).to.equal(true)
      expect(await statusOf("boss-s")).to.equal(ChainStatus.ACTIVE)
      expect(await statusOf("staff-s")).to.equal(ChainStatus.ACTIVE)
      expect(await statusOf("thief-s")).to.equal(ChainStatus.REVOKED)
      expect(await statusOf("deleted-s")).to.equal(ChainStatus.DELETED)
      expect(told(await revocations().liftSuspension({ revocationId })).revision).to.equal(lifted.revision)
    })

    it("others are final, and lifting one is refused", async () => {
      await delegated("final")
      const { revocationId } = told(await revocations().revokeAgent({ agentId: "final" }))
      const final = await reasonOf(revocations().liftSuspension({ revocationId }))
      expect(final.info?.reason).to.equal("REVOCATION_FINAL")
      const none = await reasonOf(revocations().liftSuspension({ revocationId: randomUUID() }))
      expect(none.info?.reason).to.equal("REVOCATION_NOT_FOUND")
      const hand = await failureOf(
        registry.sql`update trust_revocations set lifted_at = now() where revocation_id = ${revocationId}`,
      )
      expect(hand.message).to.include("only a suspension can be lifted")
    })
  })

  describe("of records", () => {
    it("denies a delegatee and the delegations that depend on it; their chains remain readable", async () => {
      const withDelegation = (agentId: string, delegatorId: string, names: string[]) => ({
        ...sampleChain(agentId),
        delegations: [
          delegation(agentId, { id: `${delegatorId}>${agentId}`, delegatorId, capabilitiesDelegated: names }),
        ],
      })
      await store(withDelegation("d1", "d0", ["read*", "pay"]))
      await store(withDelegation("d2", "d1", ["read_data"]))
      await store(withDelegation("d3", "d2", ["read_data", "own"]))
      await store(withDelegation("d4", "d1", ["other"]))
      const { records, recordCount } = told(
        await revocations().revokeDelegation({ agentId: "d1", delegationId: "d0>d1" }),
      )
      expect(recordCount).to.equal(3n)
      expect(records.map(({ recordId, descendsFrom }) => [recordId, descendsFrom])).to.deep.equal([
        ["d0>d1", undefined],
        ["d1>d2", "d1"],
        ["d2>d3", "d2"],
      ])
      for (const agentId of ["d1", "d2", "d3"]) {
        expect(await statusOf(agentId)).to.equal(ChainStatus.ACTIVE)
        expect(await verify(agentId)).to.include({ valid: false, reason: DenialReason.REVOKED })
      }
      expect((await verify("d4")).reason).not.to.equal(DenialReason.REVOKED)
    })

    it("covers a capability and those delegated from it, and no others", async () => {
      const world = trustWorld()
      const grants = ["read_data", "pay"].map((name) => ({ capability: name, capabilityType: 1 as const }))
      await store(await world.establish("cap-a", { capabilities: grants }))
      const delegator = world.chains.get("cap-a")?.chain
      await store(await world.delegate("cap-a", "cap-b", { capabilities: ["read_data", "pay"] }))
      await store(await world.delegate("cap-b", "cap-c", { capabilities: ["read_data"] }))
      expect((await verify("cap-c")).valid).to.equal(true)
      const capabilityId = delegator?.capabilities.find((one) => one.capability === "read_data")?.id ?? ""
      const { records } = told(await revocations().revokeCapability({ agentId: "cap-a", capabilityId }))
      expect(records.map(({ agentId, descendsFrom }) => [agentId, descendsFrom])).to.deep.equal([
        ["cap-a", undefined],
        ["cap-b", "cap-a"],
        ["cap-c", "cap-b"],
      ])
      for (const agentId of ["cap-a", "cap-b", "cap-c"])
        expect(await verify(agentId)).to.include({ valid: false, reason: DenialReason.CAPABILITY_REVOKED })
      expect((await verify("cap-b", "pay")).valid).to.equal(true)
    })

    it("fails with NOT_FOUND for an unknown record or agent", async () => {
      await delegated("named")
      const call = { agentId: "named", delegationId: "nope" }
      const { info, badRequest } = await reasonOf(revocations().revokeDelegation(call))
      expect(info?.reason).to.equal("TRUST_RECORD_NOT_FOUND")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("delegation_id")
      const agent = { agentId: "nobody-here", capabilityId: "c" }
      expect((await reasonOf(revocations().revokeCapability(agent))).info?.reason).to.equal(
        "TRUST_CHAIN_NOT_FOUND",
      )
    })

    it("matches names by the same rule as EATP's verification", async () => {
      const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "_", "é", "😀"), maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(letters, letters), { minLength: 50, maxLength: 50 }),
          async (pairs) => {
            const rows = await registry.sql`
            select trust_capability_covers(c, a) as covers
            from unnest(${pairs.map(([c]) => c)}::text[], ${pairs.map(([, a]) => a)}::text[]) as p (c, a)`
            for (const [index, [name, action]] of pairs.entries())
              expect(rows[index]?.covers, `${name} ${action}`).to.equal(capabilityCovers(name, action))
          },
        ),
        { numRuns: 40 },
      )
    })
  })

  describe("of a key", () => {
    it("invalidates everything that it signed, if no compromise time is given", async () => {
      const { world } = await ownAuthority("key-none")
      await store(await world.establish("k-none", { authorityId: "key-none" }))
      expect((await verify("k-none")).valid).to.equal(true)
      const { records, revision } = told(
        await revocations().revokeKey({ authorityId: "key-none", keyId: "1" }),
      )
      expect(records).to.have.length(1)
      expect(records[0]).to.include({ kind: RevokedKind.KEY, authorityId: "key-none", recordId: "1" })
      const { stored } = await line.calls(AuthorityService).getAuthority({ authorityId: "key-none" })
      const { authority: after, record } = stored ?? {}
      expect(after?.keys[0]?.revokedAt).to.deep.equal(records[0]?.revokedAt)
      expect(record?.revision).to.equal(revision)
      expect(await verify("k-none")).to.include({
        valid: false,
        reason: DenialReason.CHAIN_STATE_SIGNATURE_INVALID,
      })
      expect(
        (await reasonOf(store(await world.establish("k-late", { authorityId: "key-none" })))).info?.reason,
      ).to.equal("TRUST_CHAIN_INVALID")
    })

    it("keeps what is dated and was first stored before the compromise, and refuses backdated records", async () => {
      const { world } = await ownAuthority("key-old")
      const chain = await world.establish("k-old", { authorityId: "key-old" })
      await store(chain)
      const compromisedAt = timestampFromMs(Date.now())
      // The server's reading of the database's clock is early by as much as a probe took.
      await until("the server knows that the moment is past", () =>
        revocations().revokeKey({ authorityId: "key-old", keyId: "1", compromisedAt }),
      )
      expect((await verify("k-old")).valid).to.equal(true)
      await store(chain)
      const backdated = await world.establish("k-backdated", { authorityId: "key-old" })
      const { info, badRequest } = await reasonOf(store(backdated))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("chain.genesis.signature")
    })

    it("names the authority and the key, and holds from a registration on that marks it", async () => {
      const unknown = await reasonOf(revocations().revokeKey({ authorityId: "key-nobody", keyId: "1" }))
      expect(unknown.info?.reason).to.equal("AUTHORITY_NOT_FOUND")
      const none = await reasonOf(revocations().revokeKey({ authorityId: "org-a", keyId: "7" }))
      expect(none.info?.reason).to.equal("TRUST_RECORD_NOT_FOUND")
      const { keys, ...rest } = authority("key-set")
      const register = (mark: object) =>
        line
          .calls(AuthorityService)
          .registerAuthority({ authority: { ...rest, keys: keys.map((key) => ({ ...key, ...mark })) } })
      const { badRequest } = await reasonOf(register({ compromisedAt: timestampFromMs(0) }))
      expect(badRequest?.fieldViolations[0]?.field).to.equal("authority.keys[0].compromised_at")
      await register({ revokedAt: timestampFromMs(0) })
      const { records } = await revocations().listRevokedRecords({ authorityId: "key-set" })
      expect(records.map(({ recordId }) => recordId)).to.deep.equal(keys.map(({ keyId }) => keyId))
    })
  })

  it("returns the first response to a retry with its request_id, and refuses another request", async () => {
    await delegated("again")
    const request = { agentId: "again", requestId: randomUUID(), reason: "once" }
    const first = told(await revocations().revokeAgent(request))
    expect(first.revocationId).to.equal(request.requestId)
    expect(told(await revocations().revokeAgent(request))).to.deep.equal(first)
    const other = await failureOf(revocations().revokeAgent({ ...request, reason: "twice" }))
    expect(detailsOf(other).info?.reason).to.equal("REQUEST_ID_REUSED")
    expect(other.details).to.match(/was already used for another change; use a new one for a new change$/)
    const chain = await reasonOf(
      chains().storeChain({ chain: sampleChain("again"), requestId: request.requestId }),
    )
    expect(chain.info?.reason).to.equal("REQUEST_ID_REUSED")
  })

  it("by hand takes effect, with its place in the order and its actor", async () => {
    await delegated("by-hand")
    await registry.sql`
      insert into trust_revocations (revocation_id, kind, agent_id, mode)
      values (gen_random_uuid(), 'agent', 'by-hand', 'suspend')`
    expect((await chains().getChain({ agentId: "by-hand", includeInactive: true })).stored?.record).to.exist
    await until("it is seen", async () => (await statusOf("by-hand")) === ChainStatus.SUSPENDED)
    const { records } = await revocations().listRevokedRecords({ agentId: "by-hand" })
    expect(records[0]?.revokedBy).to.match(/^postgres:/)
    await revocations().liftSuspension({ revocationId: records[0]?.revocationId ?? "" })
    expect(await statusOf("by-hand")).to.equal(ChainStatus.ACTIVE)
    const told = await failureOf(registry.sql`truncate trust_revocations`)
    expect(told.message).to.include("revocations are kept")
  })

  it("is listed by agent, authority and revocation, newest first, a page at a time", async () => {
    await delegated("lister")
    for (let round = 0; round < 5; round++)
      await revocations().revokeAgent({ agentId: "lister", mode: RevocationMode.SUSPEND, reason: `${round}` })
    const seen: string[] = []
    let pageToken = ""
    do {
      const page = await revocations().listRevokedRecords({ agentId: "lister", pageSize: 2, pageToken })
      seen.push(...page.records.map(({ reason }) => reason))
      pageToken = page.nextPageToken
    } while (pageToken !== "")
    expect(seen).to.deep.equal(["4", "3", "2", "1", "0"])
    const [newest] = (await revocations().listRevokedRecords({ agentId: "lister" })).records
    await revocations().liftSuspension({ revocationId: newest?.revocationId ?? "" })
    const standing = await revocations().listRevokedRecords({ agentId: "lister", standingOnly: true })
    expect(standing.records).to.have.length(4)
    const one = await revocations().listRevokedRecords({ revocationId: newest?.revocationId ?? "" })
    expect(one.records.map((record) => toJson(RevokedRecordSchema, record))).to.have.length(1)
    expect(await statusOf("lister")).to.equal(ChainStatus.SUSPENDED)
  })

  it("refuses invalid requests, and names the field", async () => {
    const soon = timestampFromMs(Date.now() + 60_000)
    const graceful = RevocationMode.GRACEFUL
    const agentId = "lister"
    const api = revocations()
    const wrong: [() => Promise<unknown>, string][] = [
      [() => api.revokeAgent({ agentId: "" }), "agent_id"],
      [() => api.revokeAgent({ agentId, mode: 9 as RevocationMode }), "mode"],
      [() => api.revokeAgent({ agentId, mode: graceful }), "effective_at"],
      [() => api.revokeAgent({ agentId, effectiveAt: soon }), "effective_at"],
      [() => api.revokeAgent({ agentId, mode: graceful, effectiveAt: timestampFromMs(1) }), "effective_at"],
      [() => api.revokeAgent({ agentId, reason: "x".repeat(4_097) }), "reason"],
      [() => api.revokeAgent({ agentId, requestId: "7" }), "request_id"],
      [() => api.revokeDelegation({ agentId }), "delegation_id"],
      [() => api.revokeCapability({ agentId, capabilityId: "x".repeat(513) }), "capability_id"],
      [() => api.revokeKey({ authorityId: "org-a", keyId: "" }), "key_id"],
      [() => api.revokeKey({ authorityId: "org-a", keyId: "1", compromisedAt: soon }), "compromised_at"],
      [() => api.liftSuspension({ revocationId: "no" }), "revocation_id"],
      [() => api.listRevokedRecords({ agentId, authorityId: "org-a" }), "authority_id"],
      [() => api.listRevokedRecords({ pageSize: -1 }), "page_size"],
      [() => api.listRevokedRecords({ pageToken: "no" }), "page_token"],
    ]
    for (const [call, field] of wrong) {
      const { info, badRequest } = await reasonOf(call())
      expect(info?.reason, field).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
    }
  })

  async function countOf(agentIdPrefix: string) {
    return (await chains().countChains({ filter: { agentIdPrefix } })).count
  }

  async function ownAuthority(id: string) {
    await line.calls(AuthorityService).registerAuthority({ authority: authority(id) })
    return { world: trustWorld() }
  }
})

function authority(id: string) {
  const keys = [{ keyId: "1", publicKey: signerOf(id).publicKey }]
  return { id, name: id, authorityType: AuthorityType.ORGANIZATION, keys, permissions: usualPermissions() }
}

function told({ revocation }: { revocation?: Revocation | undefined }): Revocation {
  if (!revocation) throw new Error("the answer has no revocation")
  return revocation
}
