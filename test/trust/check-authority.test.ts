import type { MessageInitShape } from "@bufbuild/protobuf"
import { isoFromMicros, usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityPathRecordKind,
  AuthorityPathRecordKindSchema,
  AuthorityService,
  AuthorityType,
  CapabilityType,
  type CheckAuthorityRequestSchema,
  DenialReason,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { trustRegistry } from "../support/commandLine.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

type Question = Partial<Exclude<MessageInitShape<typeof CheckAuthorityRequestSchema>, { $typeName: string }>>

const DAY = 86_400_000_000n
const HOUR = 3_600_000_000n

describe("CheckAuthority", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    registry = await startRegistry({ logLevel: "error" })
    line = connectTo(registry.address)
    for (const id of ["org-a", "org-b"])
      await line.calls(AuthorityService).registerAuthority({
        authority: {
          id,
          name: id,
          authorityType: AuthorityType.ORGANIZATION,
          permissions: usualPermissions(),
          keys: [{ keyId: "1", publicKey: signerOf(id).publicKey }],
        },
      })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const chains = () => line.calls(TrustStoreService)
  const store = async (chain: TrustLineageChain) => (await chains().storeChain({ chain })).record
  const now = () => BigInt(Date.now()) * 1000n
  const yesterday = () => trustWorld(now() - DAY)
  const check = (agentId: string, more: Question = {}) =>
    line.calls(TrustVerificationService).checkAuthority({ agentId, action: "read_data", ...more })
  const toldBy = (path: { kind: AuthorityPathRecordKind; agentId: string; holds: boolean }[]) =>
    path.map(({ kind, agentId, holds }) =>
      `${AuthorityPathRecordKindSchema.value[kind]?.localName} ${agentId}${holds ? "" : " broken"}`.trim(),
    )
  /** Root, a middle that has another capability of its own, and a leaf below; the middle's delegation may be changed. */
  async function three(name: string, delegation: { expiresAt?: string } = {}) {
    const [root, middle, leaf] = [`${name}-root`, `${name}-middle`, `${name}-leaf`]
    const [world, other] = [yesterday(), yesterday()]
    const own = [{ capability: "own", capabilityType: CapabilityType.ACTION }]
    for (const each of [world, other]) {
      await each.establish(root)
      await each.establish(middle, { capabilities: own })
      await each.delegate(root, middle, each === world ? {} : delegation)
    }
    await world.delegate(middle, leaf)
    await store(world.chains.get(root)?.chain as TrustLineageChain)
    await store(other.chains.get(middle)?.chain as TrustLineageChain)
    await store(world.chains.get(leaf)?.chain as TrustLineageChain)
    return { root, middle, leaf, world, delegated: other.chains.get(middle)?.chain as TrustLineageChain }
  }

  it("allows by a path of ten hops, with every record and the revision at which it was read", async () => {
    const world = yesterday()
    const records = [await store(await world.establish("hop-0"))]
    for (let hop = 1; hop <= 10; hop++)
      records.push(await store(await world.delegate(`hop-${hop - 1}`, `hop-${hop}`)))
    const answer = await check("hop-10", { authorityId: "org-a" })
    expect(answer).to.include({ authorized: true, reason: DenialReason.UNSPECIFIED, reasonText: "" })
    expect(answer.path).to.have.length(23)
    expect(answer.path[0]).to.include({ kind: AuthorityPathRecordKind.AUTHORITY, id: "org-a", holds: true })
    const { record: authority } =
      (await line.calls(AuthorityService).getAuthority({ authorityId: "org-a" })).stored ?? {}
    expect(answer.path[0]?.revision).to.equal(authority?.revision)
    for (let hop = 0; hop <= 10; hop++) {
      const chain = world.chains.get(`hop-${hop}`)?.chain
      const [lower, upper] = [answer.path[2 + 2 * hop], answer.path[1 + 2 * hop]]
      const above = hop === 0 ? chain?.genesis : chain?.delegations[0]
      expect(upper).to.include({ id: above?.id, agentId: `hop-${hop}`, revision: records[hop]?.revision })
      expect(lower).to.include({
        id: chain?.capabilities[0]?.id,
        issuedAt: chain?.capabilities[0]?.attestedAt,
      })
      expect(lower).to.include({ holds: true, authorityId: "org-a", revision: records[hop]?.revision })
    }
    expect(answer.capabilityUsed).to.equal(answer.path.at(-1)?.id)
    expect(answer.revision).to.equal(records[10]?.revision)
    const wait = await check("hop-10", { consistency: { requirement: { case: "strong", value: true } } })
    expect(wait.path).to.deep.equal(answer.path)
  })

  it("denies if a delegation further up has expired, which VerifyTrust does not check", async () => {
    const expiresAt = isoFromMicros(now() - HOUR)
    const { leaf, middle, delegated } = await three("late", { expiresAt })
    const verdict = await line
      .calls(TrustVerificationService)
      .verifyTrust({ agentId: leaf, action: "read_data", level: 3 })
    expect(verdict.valid).to.equal(true)
    const answer = await check(leaf)
    expect(answer).to.include({ authorized: false, reason: DenialReason.CAPABILITY_EXPIRED })
    expect(toldBy(answer.path)).to.deep.equal([
      `CAPABILITY ${middle} broken`,
      `DELEGATION ${leaf}`,
      `CAPABILITY ${leaf}`,
    ])
    expect(answer.path[0]).to.include({
      id: delegated.capabilities[1]?.id,
      detail: "expired",
      expiresAt,
    })
    expect(answer.reasonText).to.include(delegated.capabilities[1]?.id)
  })

  it("denies if a record further up is revoked, at once for strong reads", async () => {
    const { root, leaf, middle, delegated, world } = await three("revoked")
    expect((await check(leaf)).authorized).to.equal(true)
    const revoke = (kind: string, agentId: string, recordId: string) => registry.sql`
      insert into trust_revocations (revocation_id, kind, agent_id, record_id, mode)
      values (gen_random_uuid(), ${kind}, ${agentId}, ${recordId}, 'immediate')`
    const strong = { consistency: { requirement: { case: "strong", value: true } } } as const
    await revoke("delegation", middle, delegated.delegations[0]?.id ?? "")
    const byDelegation = await check(leaf, strong)
    expect(byDelegation.authorized).to.equal(false)
    expect(byDelegation.path[0]).to.include({
      id: delegated.delegations[0]?.id,
      agentId: middle,
      detail: "revoked",
    })
    await revoke("capability", root, world.chains.get(root)?.chain.capabilities[0]?.id ?? "")
    await revoke("agent", middle, "")
    const byAgent = await check(leaf, strong)
    expect(byAgent.authorized).to.equal(false)
    expect(toldBy(byAgent.path).slice(0, 2)).to.deep.equal([`GENESIS ${middle} broken`, `DELEGATION ${leaf}`])
  })

  it("denies, as does VerifyTrust, a capability delegated only from revoked ones", async () => {
    const { root, leaf, world } = await three("source")
    const capability = world.chains.get(root)?.chain.capabilities[0]?.id ?? ""
    await registry.sql`
      insert into trust_revocations (revocation_id, kind, agent_id, record_id, mode)
      values (gen_random_uuid(), 'capability', ${root}, ${capability}, 'immediate')`
    const { verifyTrust } = line.calls(TrustVerificationService)
    for (const level of [2, 3] as const) {
      const consistency = { requirement: { case: "strong", value: true } } as const
      const answer = await verifyTrust({ agentId: leaf, action: "read_data", level, consistency })
      expect(answer).to.include({ valid: false, reason: DenialReason.CAPABILITY_REVOKED })
    }
    expect((await check(leaf)).path[0]).to.include({ id: capability, detail: "revoked", holds: false })
  })

  it("denies if a delegator is gone, or has nothing left to delegate", async () => {
    const removed = await three("removed")
    await chains().purgeChain({ agentId: removed.middle })
    const gone = await check(removed.leaf)
    expect(gone.authorized).to.equal(false)
    expect(gone.path[0]).to.include({ kind: AuthorityPathRecordKind.DELEGATION, agentId: removed.leaf })
    expect(gone.path[0]?.detail).to.include("the chain of its delegator")

    const emptied = await three("emptied")
    const world = yesterday()
    const own = [{ capability: "own", capabilityType: CapabilityType.ACTION }]
    await store(await world.establish(emptied.middle, { capabilities: own }))
    const bare = await check(emptied.leaf)
    expect(bare).to.include({ authorized: false, reason: DenialReason.PATH_BROKEN })
    expect(bare.path[0]?.detail).to.include('no capability that covers "read_data"')
  })

  it("denies without a chain, without a capability and against a constraint, and says which", async () => {
    expect(await check("nobody")).to.include({ authorized: false, reason: DenialReason.NO_TRUST_CHAIN })
    const world = yesterday()
    const capabilities = [
      { capability: "*", capabilityType: CapabilityType.ACCESS, constraints: ["read_only", "tier=2"] },
    ]
    await store(await world.establish("bound", { capabilities }))
    const denied = await check("bound", { action: "delete_data" })
    expect(denied).to.include({ authorized: false, reason: DenialReason.CONSTRAINT_VIOLATION })
    expect(denied.constraintsUnmet.map(({ constraint }) => constraint)).to.include("read_only")
    const open = denied.constraintsMet.find(({ constraint }) => constraint === "tier=2")
    expect(open).to.include({ evaluated: false, heeded: false, reason: "" })
    const allowed = await check("bound", { heeds: ["tier"] })
    expect(allowed).to.include({ authorized: true })
    expect(allowed.constraintsMet.find(({ constraint }) => constraint === "tier=2")).to.include({
      ...{ evaluated: false, heeded: true },
    })
    expect(allowed.constraintsMet.find(({ constraint }) => constraint === "read_only")?.evaluated).to.equal(
      true,
    )
    expect(allowed.effectiveConstraints).to.deep.equal(["read_only", "tier=2"])
    const { leaf } = await three("lacking")
    const lacking = await check(leaf, { action: "fly" })
    expect(lacking).to.include({ authorized: false, reason: DenialReason.CAPABILITY_NOT_FOUND })
    expect(lacking.path).to.deep.equal([])
  })

  it("denies for constraints that nobody enforces, and names each; VerifyTrust tells them, and denies if asked to", async () => {
    const world = yesterday()
    const ANY = { capability: "*", capabilityType: CapabilityType.ACCESS }
    const capabilities = [{ ...ANY, constraints: ["max_amount:500"], scopeJson: '{"tables":["t1"]}' }]
    await store(await world.establish("above", { capabilities }))
    await store(await world.delegate("above", "limited", { constraints: ["tier=2"] }))
    const denied = await check("limited")
    expect(denied).to.include({ authorized: false, reason: DenialReason.CONSTRAINT_NOT_ENFORCED })
    for (const text of ["max_amount:500", "scope.tables=['t1']", "tier=2"])
      expect(denied.explanation).to.include(text)
    expect(denied.remedy).to.include("heeds")
    const { $typeName: _, ...amount } = denied.unenforcedConstraints[0] ?? {}
    expect(amount).to.deep.include({
      constraint: "max_amount:500",
      needs: "a number amount in the context",
    })
    expect(denied.unenforcedConstraints).to.have.length(3)
    const heeds = ["tier", "scope.*"]
    const contextJson = '{"amount":500}'
    expect(await check("limited", { heeds, contextJson })).to.include({ authorized: true })
    expect((await check("limited", { heeds, contextJson })).unenforcedConstraints).to.deep.equal([])
    for (const wrong of [{ heeds }, { contextJson }, { heeds: ["tier"], contextJson }])
      expect(await check("limited", wrong)).to.include({ reason: DenialReason.CONSTRAINT_NOT_ENFORCED })
    expect(await check("limited", { heeds: [...heeds, "max_*"], contextJson: '{"amount":501}' })).to.include({
      reason: DenialReason.CONSTRAINT_VIOLATION,
    })
    const { verifyTrust } = line.calls(TrustVerificationService)
    const asked = { agentId: "limited", action: "read_data" }
    const told = await verifyTrust(asked)
    expect(told).to.include({ valid: true })
    expect(told.unenforcedConstraints).to.deep.equal(denied.unenforcedConstraints)
    const refused = await verifyTrust({ ...asked, denyUnenforced: true })
    expect(refused).to.include({ valid: false, reason: DenialReason.CONSTRAINT_NOT_ENFORCED })
    expect(refused.unenforcedConstraints).to.have.length(3)
    expect(
      await verifyTrust({
        ...asked,
        denyUnenforced: true,
        heeds: ["tier", "scope.tables", "max_amount:500"],
      }),
    ).to.include({
      valid: true,
    })
  })

  it("refuses to be told what nobody can heed", async () => {
    const many = Array.from({ length: 101 }, (_, at) => `c${at}`)
    const wrong: [string, string[]][] = [
      ["heeds[1]", ["a", ""]],
      ["heeds[0]", ["*"]],
      ["heeds[0]", ["a*b"]],
      ["heeds[0]", ["a".repeat(513)]],
      ["heeds", many],
    ]
    for (const [field, heeds] of wrong) {
      const { badRequest } = detailsOf(await failureOf(check("anyone", { heeds })))
      expect(badRequest?.fieldViolations[0]?.field).to.equal(field)
    }
    const { verifyTrust } = line.calls(TrustVerificationService)
    const quick = verifyTrust({ agentId: "anyone", level: 1, denyUnenforced: true })
    expect(detailsOf(await failureOf(quick)).badRequest?.fieldViolations[0]?.field).to.equal(
      "deny_unenforced",
    )
  })

  it("answers for the requested authority, and counts an inactive one's signatures", async () => {
    const { leaf } = await three("asked")
    const other = await check(leaf, { authorityId: "org-b" })
    expect(other).to.include({ authorized: false, reason: DenialReason.AUTHORITY_MISMATCH })
    expect(other.path[0]).to.include({ id: "org-a", holds: false })
    const unknown = await check(leaf, { authorityId: "org-nowhere" })
    expect(unknown.reason).to.equal(DenialReason.AUTHORITY_MISMATCH)
    const world = yesterday()
    await store(await world.establish("of-b", { authorityId: "org-b" }))
    await line.calls(AuthorityService).deactivateAuthority({ authorityId: "org-b" })
    const inactive = await check("of-b", { authorityId: "org-b" })
    expect(inactive.authorized).to.equal(true)
    expect(inactive.path[0]?.detail).to.include("inactive")
  })

  it("answers for a past time: allowed then and denied now, and the reverse", async () => {
    const world = yesterday()
    const chain = await world.establish("then")
    const before = (await store(await world.establish("earlier")))?.updatedAt
    const stored = await store(chain)
    const validAt = stored?.updatedAt
    if (!validAt || !before) throw new Error("a record has its time")
    expect(await check("then", { validAt: before })).to.include({
      authorized: false,
      reason: DenialReason.NO_TRUST_CHAIN,
      revision: 0n,
    })
    expect((await check("then")).authorized).to.equal(true)
    await chains().deleteChain({ agentId: "then" })
    expect((await check("then")).authorized).to.equal(false)
    const past = await check("then", { validAt })
    expect(past).to.include({ authorized: true, revision: stored.revision })
    expect(past.validAt).to.deep.equal(validAt)
    for (const requirement of [
      { case: "strong", value: true },
      { case: "minRevision", value: stored.revision },
    ] as const)
      expect((await check("then", { validAt, consistency: { requirement } })).path).to.deep.equal(past.path)
    expect(Number(past.evaluatedAt?.seconds)).to.be.at.least(Number(validAt.seconds))
    const at = { requirement: { case: "atRevision", value: stored.revision } } as const
    expect((await check("then", { consistency: at })).path).to.deep.equal(past.path)
  })

  it("evaluates expiry at the requested time", async () => {
    const world = trustWorld(now())
    const expiresAt = isoFromMicros(now() + BigInt(scaled(1_000)) * 1000n)
    const capabilities = [
      { capability: "read_data", capabilityType: CapabilityType.ACCESS, expiresAt },
      { capability: "own", capabilityType: CapabilityType.ACCESS },
    ]
    const stored = await store(await world.establish("brief", { capabilities }))
    await until("the capability has expired", async () => !(await check("brief")).authorized)
    const expired = await check("brief")
    expect(expired.path[0]).to.include({ detail: "expired", expiresAt, holds: false })
    const then = await check("brief", stored?.updatedAt ? { validAt: stored.updatedAt } : {})
    expect(then.authorized).to.equal(true)
  })

  it("refuses invalid requests, and names the field", async () => {
    const secondsFromNow = (seconds: number) => BigInt(Math.floor(Date.now() / 1000) + seconds)
    const then = (seconds: bigint) => ({ validAt: { seconds, nanos: 0 } })
    const wrong: [Question, string][] = [
      [{ agentId: "" }, "agent_id"],
      [{ authorityId: "x".repeat(513) }, "authority_id"],
      [{ contextJson: "[1]" }, "context_json"],
      [{ action: "x".repeat(4_097) }, "action"],
      [then(secondsFromNow(3_600)), "valid_at"],
      [then(-(1n << 60n)), "valid_at"],
      [
        { ...then(secondsFromNow(-60)), consistency: { requirement: { case: "atRevision", value: 1n } } },
        "valid_at",
      ],
    ]
    for (const [request, field] of wrong) {
      const { info, badRequest } = detailsOf(await failureOf(check("x", request)))
      expect(info?.reason, field).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
    }
  })

  it("is printed line by line by the command line, with an exit code for the answer", async () => {
    const { root, leaf } = await three("told")
    const run = (...args: string[]) => trustRegistry(args, { address: registry.address })
    const allowed = await run("check-authority", leaf, "read_data", "--authority", "org-a", "--strong")
    expect(allowed).to.include({ code: 0, err: "" })
    const lines = allowed.out.trimEnd().split("\n")
    expect(lines[0]).to.match(/^allowed by /)
    expect(lines[1]).to.match(/^authority org-a, revision \d+$/)
    expect(lines.filter((text) => /^(genesis|delegation|capability) /.test(text))).to.have.length(6)
    await chains().deleteChain({ agentId: root })
    const denied = await run("check-authority", leaf, "read_data", "--json")
    expect(denied.code).to.equal(1)
    const answer = JSON.parse(denied.out)
    expect(answer).to.include({ authorized: false })
    expect(answer.path[0]).to.include({ kind: "AUTHORITY_PATH_RECORD_KIND_GENESIS", holds: false })
    const then = await run("check-authority", leaf, "read_data", "--at", "1999-01-01T00:00:00Z")
    expect(then.code).to.equal(1)
    expect(then.out).to.include("NO_TRUST_CHAIN")
    const both = await run(
      "check-authority",
      leaf,
      "read_data",
      "--at",
      "1999-01-01T00:00:00Z",
      "--at-revision",
      "1",
    )
    expect(both.code).to.equal(2)
  })
})
