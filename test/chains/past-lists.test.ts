import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainView,
  RevocationMode,
  RevocationService,
  type StoredChain,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { signerOf } from "../support/trustWorld.js"
import { until } from "../support/until.js"

const at = (value: bigint) => ({ requirement: { case: "atRevision", value } }) as const
const STRONG = { requirement: { case: "strong", value: true } } as const

describe("lists and counts at a past revision", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)

  beforeEach(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  afterEach(async () => {
    line.close()
    await registry.stop()
  })

  type Filter = Parameters<ReturnType<typeof calls>["countChains"]>[0]["filter"]
  const able = (agentId: string, name: string) => ({
    chain: { ...sampleChain(agentId), capabilities: [capability(name)] },
  })
  const store = async (agentId: string, name = "read") =>
    (await calls().storeChain(able(agentId, name))).record?.revision ?? 0n
  /** All chains of a filter, now or at a revision, after comparing them with their count. */
  async function listed(filter: Filter = {}, revision?: bigint): Promise<StoredChain[]> {
    const consistency = revision === undefined ? {} : { consistency: at(revision) }
    const { chains, nextPageToken } = await calls().listChains({
      ...(filter ? { filter } : {}),
      pageSize: 1_000,
      ...consistency,
    })
    expect(nextPageToken).to.equal("")
    const { count } = await calls().countChains({ ...(filter ? { filter } : {}), ...consistency })
    expect(count).to.equal(BigInt(chains.length))
    return chains
  }
  const idsOf = (chains: readonly StoredChain[]) => chains.map(({ record }) => record?.agentId)
  const headOf = async () => {
    const [row] = await registry.sql`select last_value as head from trust_revision`
    return BigInt(row?.head)
  }

  it("return every past state, except purged documents", async () => {
    const revocations = line.calls(RevocationService)
    let suspension = ""
    const changes: (() => Promise<unknown>)[] = [
      () => store("a"),
      () => store("b"),
      () => store("c"),
      () => store("a", "write"),
      () => calls().deleteChain({ agentId: "b" }),
      async () => {
        const { revocation } = await revocations.revokeAgent({ agentId: "a", mode: RevocationMode.SUSPEND })
        suspension = revocation?.revocationId ?? ""
      },
      () => calls().restoreChain({ agentId: "b" }),
      () => revocations.liftSuspension({ revocationId: suspension }),
      () => calls().purgeChain({ agentId: "c" }),
      () => store("d"),
      () => registry.sql`update trust_chains set authority_id = 'org-hand' where agent_id = 'd'`,
      () => store("c", "anew"),
      () => revocations.revokeAgent({ agentId: "b" }),
      () => calls().purgeChain({ agentId: "d" }),
    ]
    const filters: Filter[] = [
      {},
      { includeInactive: true },
      { capability: "write" },
      { authorityId: "org-hand" },
      { agentIdPrefix: "c", includeInactive: true },
    ]
    const states = new Map<bigint, StoredChain[][]>()
    for (const change of changes) {
      await change()
      const state: StoredChain[][] = []
      for (const filter of filters) state.push(await listed(filter))
      states.set(await headOf(), state)
    }
    expect(states.size).to.equal(changes.length)
    const purges = new Map<string, bigint>()
    const rows = await registry.sql`
      select agent_id, max(revision) as revision from trust_chain_revisions
      where operation not in ('created', 'updated', 'deleted', 'restored', 'suspended', 'revoked', 'revocations_changed')
      group by agent_id`
    for (const { agent_id, revision } of rows) purges.set(agent_id, BigInt(revision))
    expect([...purges.keys()].sort()).to.deep.equal(["c", "d"])
    for (const [revision, state] of states)
      for (const [index, filter] of filters.entries()) {
        const left = (state[index] ?? []).filter(
          ({ record }) => !((purges.get(record?.agentId ?? "") ?? 0n) > revision),
        )
        expect(await listed(filter, revision), `filter ${index} at ${revision}`).to.deep.equal(left)
      }
  })

  it("evaluate expiry and graceful revocations at the time of the revision", async () => {
    const soon = timestampFromMs(Date.now() + scaled(1_500))
    await calls().storeChain({ ...able("brief", "read"), expiresAt: soon })
    await store("graceful")
    await line.calls(RevocationService).revokeAgent({
      agentId: "graceful",
      mode: RevocationMode.GRACEFUL,
      effectiveAt: soon,
    })
    const before = await store("steady")
    expect(idsOf(await listed({}, before))).to.deep.equal(["brief", "graceful", "steady"])
    await until("both are over", async () => (await listed()).length === 1)
    expect(idsOf(await listed({}, before))).to.deep.equal(["brief", "graceful", "steady"])
    const after = await store("steady")
    expect(idsOf(await listed({}, after))).to.deep.equal(["steady"])
    expect(idsOf(await listed({ includeInactive: true }, after))).to.deep.equal([
      "brief",
      "graceful",
      "steady",
    ])
  })

  it("keep all pages at one revision, and bind a token to its request", async () => {
    const ids = Array.from({ length: 7 }, (_, i) => `agent-${i}`)
    let revision = 0n
    for (const id of ids) revision = await store(id)
    const first = await calls().listChains({ pageSize: 3, consistency: at(revision) })
    const now = await calls().listChains({ pageSize: 3 })
    await calls().deleteChain({ agentId: "agent-4" })
    await store("agent-5", "changed")
    await store("agent-3-new")
    const rest: StoredChain[] = []
    for (let pageToken = first.nextPageToken; pageToken !== ""; ) {
      const page = await calls().listChains({ pageSize: 3, pageToken, consistency: at(revision) })
      rest.push(...page.chains)
      pageToken = page.nextPageToken
    }
    expect(idsOf([...first.chains, ...rest])).to.deep.equal(ids)
    expect(rest[2]?.chain?.capabilities[0]?.capability).to.equal("read")

    const pageToken = first.nextPageToken
    const least = { requirement: { case: "minRevision", value: revision } } as const
    const wrong = [
      { pageToken },
      { pageToken, consistency: STRONG },
      { pageToken, consistency: at(revision + 1n) },
      { pageToken, consistency: at(revision), view: ChainView.RECORD },
      { pageToken, consistency: at(revision), filter: { includeInactive: true } },
      { pageToken: now.nextPageToken, consistency: at(revision) },
      { pageToken: now.nextPageToken, consistency: STRONG },
      { pageToken: now.nextPageToken, consistency: least },
      { pageToken: now.nextPageToken, view: ChainView.RECORD },
    ]
    for (const request of wrong) {
      const { info, badRequest } = detailsOf(await failureOf(calls().listChains(request)))
      expect(info?.reason).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map(({ field }) => field)).to.deep.equal(["page_token"])
    }
    // What is unset, and what it stands for, are the same question.
    const same = { pageToken: now.nextPageToken, consistency: {}, view: ChainView.FULL, filter: {} }
    expect((await calls().listChains(same)).chains).to.not.deep.equal([])
  })

  it("return records alone on request, and skip nothing with an offset", async () => {
    await store("a")
    const revision = await store("b")
    await calls().deleteChain({ agentId: "a" })
    const view = ChainView.RECORD
    const { chains } = await calls().listChains({ view, consistency: at(revision) })
    expect(chains.map(({ record, chain, unreadable }) => [record?.agentId, chain, unreadable])).to.deep.equal(
      [
        ["a", undefined, false],
        ["b", undefined, false],
      ],
    )
    const failure = await failureOf(calls().listChains({ offset: 1, consistency: at(revision) }))
    expect(detailsOf(failure).badRequest?.fieldViolations.map(({ field }) => field)).to.deep.equal(["offset"])
    expect((await calls().listChains({ offset: 1, consistency: STRONG })).chains).to.deep.equal([])
  })

  it("accept the revision of any kind of change, and refuse a compacted one", async () => {
    await store("a")
    const { record } = await line.calls(AuthorityService).registerAuthority({
      authority: {
        id: "org-a",
        name: "A",
        authorityType: AuthorityType.ORGANIZATION,
        permissions: usualPermissions(),
        keys: [{ keyId: "1", publicKey: signerOf("org-a").publicKey }],
      },
    })
    await calls().deleteChain({ agentId: "a" })
    expect(idsOf(await listed({}, record?.revision ?? 0n))).to.deep.equal(["a"])
    await registry.sql`insert into trust_compaction (oldest_revision) values (2)`
    for (const call of [
      calls().listChains({ consistency: at(1n) }),
      calls().countChains({ consistency: at(1n) }),
    ])
      expect(detailsOf(await failureOf(call)).info).to.deep.include({ reason: "REVISION_COMPACTED" })
  })

  it("show a row that did not parse at that time as unreadable", async () => {
    const whole = await store("torn")
    await registry.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'torn'`
    const torn = await headOf()
    await store("torn", "mended")
    const flags = async (revision: bigint) =>
      (await listed({}, revision)).map(({ chain, unreadable }) => [chain !== undefined, unreadable])
    expect(await flags(whole)).to.deep.equal([[true, false]])
    expect(await flags(torn)).to.deep.equal([[false, true]])
  })
})
