import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import type { MessageInitShape } from "@bufbuild/protobuf"
import { cascade, usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainStatus,
  RevocationMode,
  RevocationService,
  RevokedKind,
  type TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"
import { withRegistryForEach } from "../support/withRegistry.js"

const STEP_LOCK = "7166746355081732688"

describe("a cascade of more than 1,000 records", () => {
  const { registry, line } = withRegistryForEach({ logLevel: "error" })
  const chains = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)
  const strong = { requirement: { case: "strong", value: true } } as const
  const store = (chain: MessageInitShape<typeof TrustLineageChainSchema>) => chains().storeChain({ chain })
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason
  const statusOf = async (agentId: string) =>
    (await chains().getChain({ agentId, includeInactive: true, consistency: strong })).stored?.record?.status
  const revoke = async (
    agentId: string,
    mode: RevocationMode = RevocationMode.IMMEDIATE,
    requestId: string = randomUUID(),
  ) => {
    const { revocation } = await revocations().revokeAgent({ agentId, mode, requestId })
    if (!revocation) throw new Error("the answer has no revocation")
    return revocation
  }
  /** Rows as no server writes them: agents that `delegator`, an expression over n, delegated to. */
  const byHand = (prefix: string, count: number, delegator: string, bytes = 100) =>
    registry.sql.unsafe(`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
      select '${prefix}-' || n, 0, 'org', jsonb_build_object('genesis', jsonb_build_object('agent_id', '${prefix}-' || n),
        'delegations', jsonb_build_array(jsonb_build_object('id', 'd-' || n, 'delegator_id', ${delegator},
          'capabilities_delegated', jsonb_build_array('read')))), ${bytes}, 'x', 'x'
      from generate_series(1, ${count}) n`)
  /** Keeps the servers from working on cascades, until `release`. */
  const hold = async () => {
    const session = await registry.sql.reserve()
    await session`select pg_advisory_lock(${STEP_LOCK})`
    return {
      step: async (most: number) =>
        (await session<{ did: string }[]>`select did from trust_cascade_step(${most}, 1000000)`)[0]?.did,
      release: async () => {
        await session`select pg_advisory_unlock(${STEP_LOCK})`
        session.release()
      },
    }
  }
  const pendingRows = async () => {
    const [row] = await registry.sql`
      select (select count(*)::int from trust_cascades) as cascades, (select count(*)::int from trust_cascade_records) as records`
    return row
  }
  const finished = async (agentId: string, requestId: string) => {
    await until("the cascade is complete", async () => (await pendingRows())?.cascades === 0)
    return await revoke(agentId, RevocationMode.IMMEDIATE, requestId)
  }
  /** root, below it boss, below it staff, all signed, and 1,200 more below root. */
  const tree = async () => {
    await line.calls(AuthorityService).registerAuthority({ authority: authority("org-a") })
    const world = trustWorld()
    const grant = [{ capability: "read_data", capabilityType: 1 as const }]
    await store(await world.establish("root", { capabilities: grant }))
    await store(await world.delegate("root", "boss", { capabilities: ["read_data"] }))
    await store(await world.delegate("boss", "staff", { capabilities: ["read_data"] }))
    await byHand("many", 1_200, "'root'")
    return world
  }
  const asked = async (agentId: string, revision?: bigint) => {
    const consistency =
      revision === undefined ? strong : ({ requirement: { case: "atRevision", value: revision } } as const)
    const { verifyTrust, checkAuthority } = line.calls(TrustVerificationService)
    const question = { agentId, action: "read_data", consistency }
    const verdicts = ([1, 2, 3] as const).map(
      async (level) => (await verifyTrust({ ...question, level })).valid,
    )
    return await Promise.all([...verdicts, checkAuthority(question).then(({ authorized }) => authorized)])
  }
  const [allowed, denied] = [Array(4).fill(true), Array(4).fill(false)]

  it("revokes its root at once, and both questions deny what descends from that revision on", async () => {
    await tree()
    expect(await asked("staff")).to.deep.equal(allowed)
    const { release } = await hold()
    const { revision, recordCount, inProgress, revocationId } = await revoke("root")
    expect({ recordCount, inProgress }).to.deep.equal({ recordCount: 1n, inProgress: true })
    expect(await statusOf("root")).to.equal(ChainStatus.REVOKED)
    for (const agentId of ["boss", "staff"]) {
      expect(await statusOf(agentId)).to.equal(ChainStatus.ACTIVE)
      for (const at of [undefined, revision]) expect(await asked(agentId, at)).to.deep.equal(denied)
    }
    await release()
    const whole = await finished("root", revocationId)
    expect(whole.recordCount).to.equal(1_203n)
    expect(whole.records[0]).to.include({ agentId: "root" })
    for (const agentId of ["boss", "staff", "many-1200"])
      expect(await statusOf(agentId)).to.equal(ChainStatus.REVOKED)
    expect(await asked("staff", revision)).to.deep.equal(denied)
    expect(await pendingRows()).to.deep.equal({ cascades: 0, records: 0 })
  })

  it("is listed and watched record by record, in the order of revisions", async () => {
    await tree()
    const [first] = await registry.sql`select max(revision) + 1 as revision from trust_chain_revisions`
    const { revocationId } = await revoke("root")
    await finished("root", revocationId)
    const listed = new Set<string>()
    for (let pageToken = "", pages = 0; pages === 0 || pageToken; pages++) {
      const page = await revocations().listRevokedRecords({ revocationId, pageSize: 500, pageToken })
      for (const { agentId, descendsFrom } of page.records) listed.add(`${descendsFrom ?? ""}>${agentId}`)
      pageToken = page.nextPageToken
    }
    expect(listed.size).to.equal(1_203)
    for (const one of [">root", "root>boss", "boss>staff", "root>many-7"]) expect(listed).to.include(one)
    const watched = new Set<string>()
    const filter = { includeInactive: true }
    for await (const { events } of chains().watchChains({ startRevision: BigInt(first?.revision), filter })) {
      for (const { kind } of events)
        if (kind.case === "changed") watched.add(kind.value.stored?.record?.agentId ?? "")
      if (watched.size >= 1_203) break
    }
    expect(watched.size).to.equal(1_203)
  })

  it("leaves no way around it while it is in progress: delegate below, store anew, restore, purge", async () => {
    const world = await tree()
    await store(await world.delegate("boss", "deleted", { capabilities: ["read_data"] }))
    await chains().deleteChain({ agentId: "deleted" })
    const { release } = await hold()
    const { revocationId } = await revoke("root")
    const below = await world.delegate("staff", "late", { capabilities: ["read_data"] })
    expect(await reasonOf(store(below))).to.equal("TRUST_CHAIN_INVALID")
    await chains().purgeChain({ agentId: "boss" })
    expect(await asked("staff")).to.deep.equal(denied)
    const free = async (agentId: string) =>
      store(
        await world.establish(agentId, { capabilities: [{ capability: "read_data", capabilityType: 1 }] }),
      )
    expect(await reasonOf(free("boss"))).to.equal("TRUST_CHAIN_REVOKED")
    expect(await reasonOf(free("staff"))).to.equal("TRUST_CHAIN_REVOKED")
    expect(await reasonOf(chains().restoreChain({ agentId: "deleted" }))).to.equal("TRUST_CHAIN_REVOKED")
    await release()
    const { recordCount } = await finished("root", revocationId)
    expect(recordCount).to.equal(1_204n)
    expect(await reasonOf(free("boss"))).to.equal("TRUST_CHAIN_REVOKED")
    expect(await statusOf("staff")).to.equal(ChainStatus.REVOKED)
  })

  it("is continued by the next server if its server ends", async () => {
    await tree()
    const { step, release } = await hold()
    const { revocationId } = await revoke("root")
    expect([await step(100), await step(100)]).to.deep.equal(["found", "written"])
    await registry.stopServer()
    const other = await registry.beside()
    await release()
    await until("the cascade is complete", async () => (await pendingRows())?.cascades === 0)
    const [row] = await registry.sql`
      select count(*)::int as count, count(distinct agent_id)::int as agents from trust_revocations
      where revocation_id = ${revocationId}`
    expect(row).to.deep.equal({ count: 1_203, agents: 1_203 })
    await other.stop()
    await registry.restart()
  })

  it("takes no imported record under its id, which could be lifted, or hide what descends", async () => {
    await tree()
    const { release } = await hold()
    const requestId = randomUUID()
    await revoke("root", RevocationMode.IMMEDIATE, requestId)
    const { importRevokedRecords, liftSuspension } = line.calls(RevocationService)
    for (const mode of [RevocationMode.IMMEDIATE, RevocationMode.SUSPEND]) {
      const record = { revocationId: requestId, kind: RevokedKind.AGENT, agentId: "boss", mode }
      const failure = await failureOf(importRevokedRecords({ records: [record] }))
      expect(failure.details).to.contain(`revocation ${requestId}`).and.contain("in progress")
    }
    const failure = await failureOf(liftSuspension({ revocationId: requestId }))
    expect(detailsOf(failure).info?.reason).to.equal("REVOCATION_FINAL")
    await release()
    await finished("root", requestId)
    expect([await asked("boss"), await asked("staff")]).to.deep.equal([denied, denied])
  })

  it("is awaited by an archive, which would be without the rest of it", async () => {
    await tree()
    const { release } = await hold()
    await revoke("root", RevocationMode.IMMEDIATE)
    const parts = line.calls(TrustStoreService).exportChains({ includePurged: true })[Symbol.asyncIterator]()
    const first = parts.next()
    expect(await Promise.race([first, delay(1_000, "none")])).to.equal("none")
    await release()
    const { value } = await first
    const revision = value?.part.case === "snapshotRevision" ? value.part.value : 0n
    const [row] = await registry.sql`
      select count(*)::int as late from trust_revocations where revision > ${String(revision)}::bigint`
    expect(row?.late).to.equal(0)
    await parts.return?.()
  })

  it("that is a suspension is lifted while it is in progress: its root at once, the rest in portions", async () => {
    await tree()
    const { step, release } = await hold()
    const { revocationId } = await revoke("root", RevocationMode.SUSPEND)
    for (const did of ["found", "written", "found", "written"]) expect(await step(300)).to.equal(did)
    const { revocation } = await revocations().liftSuspension({ revocationId })
    expect(revocation).to.deep.include({ inProgress: true, recordCount: 601n, waitingCount: 600n })
    expect(await statusOf("root")).to.equal(ChainStatus.ACTIVE)
    await release()
    await until("all is lifted", async () => (await pendingRows())?.cascades === 0)
    expect(await pendingRows()).to.deep.equal({ cascades: 0, records: 0 })
    expect(await chains().countChains({ filter: {} })).to.include({ count: 1_203n })
    expect(await asked("staff")).to.deep.equal(allowed)
    const again = await revocations().liftSuspension({ revocationId })
    expect(again.revocation).to.include({ inProgress: false, recordCount: 601n })
  })

  it("and another over the same tree are both completed, and lifting one leaves the other", async () => {
    await tree()
    const { release } = await hold()
    const suspension = await revoke("root", RevocationMode.SUSPEND)
    const other = await revoke("boss", RevocationMode.SUSPEND)
    const final = await revoke("root")
    await release()
    await finished("root", final.revocationId)
    await revocations().liftSuspension({ revocationId: suspension.revocationId })
    await revocations().liftSuspension({ revocationId: other.revocationId })
    await until("all is lifted", async () => (await pendingRows())?.cascades === 0)
    expect(await statusOf("staff")).to.equal(ChainStatus.REVOKED)
    const { records } = await revocations().listRevokedRecords({ agentId: "staff", standingOnly: true })
    expect(records.map(({ revocationId }) => revocationId)).to.deep.equal([final.revocationId])
  })

  it("is one of few records if their chains are large, signed by nobody as they may be", async () => {
    await store(sampleChain("victim"))
    await byHand("large", 20, "'victim'", 900_000)
    const { inProgress, recordCount, revocationId } = await revoke("victim")
    expect({ inProgress, recordCount }).to.deep.equal({ inProgress: true, recordCount: 1n })
    expect((await finished("victim", revocationId)).recordCount).to.equal(21n)
  })

  it("is continued past a chain that its request_id changed before", async () => {
    await tree()
    const requestId = randomUUID()
    await chains().storeChain({ chain: sampleChain("used"), requestId })
    await registry.sql`
      update trust_chains set chain_data = jsonb_set(chain_data, '{delegations}', '[{"id": "u", "delegator_id": "root"}]')
      where agent_id = 'used'`
    await revoke("root", RevocationMode.IMMEDIATE, requestId)
    expect((await finished("root", requestId)).recordCount).to.equal(1_204n)
    expect(await statusOf("used")).to.equal(ChainStatus.REVOKED)
  })

  it("reaches the agents that EATP's cascade reaches, in any graph and in portions of any size", async () => {
    let round = 0
    const { step, release } = await hold()
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(edges, fc.integer({ min: 1, max: 4 }), async (pairs, most) => {
        const name = (agent: number) => `g${round}-${agent}`
        round++
        const delegations = pairs.map(([from, to]) => [name(from), name(to)] as const)
        for (let agent = 0; agent < 8; agent++) {
          const above = delegations
            .filter(([, to]) => to === name(agent))
            .map(([from]) => ({ delegator_id: from }))
          await registry.sql`
            insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
            values (${name(agent)}, 0, 'org', jsonb_build_object('delegations', ${registry.sql.json(above)}::jsonb), 9, 'x', 'x')`
        }
        const id = randomUUID()
        await registry.sql`
          select from trust_revocations_write(
            'agent', ${name(1)}, null, '', 'immediate', null, null, '', ${id}, 'h', 'me', null, 0)`
        while ((await step(most)) !== undefined);
        const rows = await registry.sql`select agent_id from trust_revocations where revocation_id = ${id}`
        expect(rows.map(({ agent_id }) => agent_id).sort()).to.deep.equal(
          cascade(delegations, name(1)).sort(),
        )
      }),
      { numRuns: 20 },
    )
    await release()
  })
})

function authority(id: string) {
  const keys = [{ keyId: "1", publicKey: signerOf(id).publicKey }]
  return { id, name: id, authorityType: AuthorityType.ORGANIZATION, keys, permissions: usualPermissions() }
}
