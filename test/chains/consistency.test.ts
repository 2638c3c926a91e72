import { create } from "@bufbuild/protobuf"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainStatus,
  ConsistencySchema,
  DenialReason,
  ServerInfoService,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
  VerificationLevel,
} from "@trust-registry/proto"
import { createLog, defaultConfig, type RegistryServer, startServer } from "@trust-registry/server"
import { expect } from "chai"
import postgres from "postgres"
import { createReads } from "../../server/dist/store/database/reads.js"
import { memoize } from "../../server/dist/store/readers/memoize.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { type FreshDatabase, freshDatabase } from "../support/postgres.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { withStalledFeed } from "../support/stallFeed.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

const STRONG = { requirement: { case: "strong", value: true } } as const
const at = (value: bigint) => ({ requirement: { case: "atRevision", value } }) as const
const HOUR_MS = 3_600_000

describe("consistency", () => {
  let database: FreshDatabase
  let sql: postgres.Sql
  let servers: RegistryServer[]
  let lines: ReturnType<typeof connectTo>[]
  const chains = (server = 0) => calls(server, TrustStoreService)
  const calls = <Service extends Parameters<ReturnType<typeof connectTo>["calls"]>[0]>(
    server: number,
    service: Service,
  ) => (lines[server] as ReturnType<typeof connectTo>).calls(service)
  const verify = (
    server: number,
    agentId: string,
    consistency = {},
    level: VerificationLevel = VerificationLevel.FULL,
  ) =>
    calls(server, TrustVerificationService).verifyTrust({
      agentId,
      action: "read_data",
      level,
      ...(consistency as object),
    })

  before(async () => {
    database = await freshDatabase()
    sql = postgres({ ...database.connection, max: 1, onnotice: () => {} })
    const config = defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, cacheMaxAgeMs: HOUR_MS })
    const start = () => startServer({ config, log: createLog("fatal"), connection: database.connection })
    servers = [await start(), await start()]
    lines = servers.map(({ address }) => connectTo(address))
    await calls(0, AuthorityService).registerAuthority({
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
    for (const line of lines) line.close()
    for (const server of servers) await server.stop()
    await sql.end({ timeout: 1 })
    await database.drop()
  })

  it("strong reflects another server's write at once, and refreshes memory", async () => {
    const agentId = "shared"
    const first = await chains().storeChain({ chain: sampleChain(agentId) })
    const revision = async (consistency = {}) =>
      (await chains(1).getChain({ agentId, ...consistency })).stored?.record?.revision
    await withStalledFeed(database.connection, "trust_authority_revisions", async () => {
      expect(await revision({ consistency: STRONG })).to.equal(first.record?.revision)
      const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
      const second = await chains().storeChain({ chain })
      expect(await revision()).to.equal(first.record?.revision)
      expect(await revision({ consistency: {} })).to.equal(first.record?.revision)
      expect(await revision({ consistency: STRONG })).to.equal(second.record?.revision)
      expect(await revision()).to.equal(second.record?.revision)
      await chains().deleteChain({ agentId })
      const gone = await failureOf(chains(1).getChain({ agentId, consistency: STRONG }))
      expect(detailsOf(gone).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    })
  })

  it("strong reads each id once per call, and concurrent requests in one statement", async () => {
    const statements: string[][] = []
    const read = createReads<{ id: string }>({
      read: async (ids) => {
        statements.push(ids)
        return ids.map((id) => ({ id }))
      },
      idOf: ({ id }) => id,
    })
    const readOnce = memoize(read)
    await Promise.all(["a", "b", "a", "c"].map(readOnce))
    await Promise.all(["c", "d"].map(readOnce))
    expect(statements).to.deep.equal([["a", "b", "c"], ["d"]])
  })

  it("strong evaluates every delegator as it is now, at every level", async () => {
    const world = trustWorld()
    const store = (chain: TrustLineageChain) => chains().storeChain({ chain })
    await store(await world.establish("root"))
    await store(await world.delegate("root", "middle"))
    await store(await world.delegate("middle", "leaf"))
    for (const level of [1, 2, 3] as const) expect((await verify(1, "leaf", {}, level)).valid).to.equal(true)
    await withStalledFeed(database.connection, "trust_authority_revisions", async () => {
      await chains().deleteChain({ agentId: "root" })
      for (const level of [1, 2, 3] as const) {
        const answer = await verify(1, "leaf", { consistency: STRONG }, level)
        expect(answer).to.include({ valid: false, reason: DenialReason.DELEGATOR_INACTIVE })
      }
      await chains().restoreChain({ agentId: "root" })
      expect((await verify(1, "leaf", { consistency: STRONG })).valid).to.equal(true)
    })
  })

  it("strong reads authorities anew: a key that another server replaced verifies nothing", async () => {
    const world = trustWorld()
    const { record } = await chains().storeChain({ chain: await world.establish("keyed") })
    expect((await verify(1, "keyed")).valid).to.equal(true)
    const setKey = (publicKey: string) => sql`
      update trust_authorities
      set authority_data = jsonb_set(authority_data, '{keys,0,public_key}', to_jsonb(${publicKey}::text))
      where authority_id = 'org-a'`
    await withStalledFeed(database.connection, "trust_chain_revisions", async () => {
      await setKey(signerOf("org-b").publicKey)
      expect((await verify(1, "keyed", { consistency: STRONG })).valid).to.equal(false)
    })
    const before = { consistency: at(record?.revision ?? 0n) }
    expect((await verify(1, "keyed", before)).valid).to.equal(true)
    await setKey(signerOf("org-a").publicKey)
    expect((await verify(1, "keyed", { consistency: STRONG })).valid).to.equal(true)
  })

  it("at_revision returns every past state, evaluated at the time of its revision", async () => {
    const agentId = "old"
    const records = []
    for (const name of ["a", "b", "c"]) {
      const chain = { ...sampleChain(agentId), capabilities: [capability(name)] }
      records.push((await chains().storeChain({ chain })).record)
    }
    const deleted = await chains().deleteChain({ agentId })
    for (const [index, record] of records.entries()) {
      const given = await chains(1).getChain({ agentId, consistency: at(record?.revision ?? 0n) })
      expect(given.stored?.record).to.deep.equal(record)
      expect(given.stored?.chain?.capabilities[0]?.capability).to.equal("abc"[index])
    }
    const then = at(deleted.record?.revision ?? 0n)
    const missing = await failureOf(chains().getChain({ agentId, consistency: then }))
    expect(detailsOf(missing).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    const shown = await chains().getChain({ agentId, includeInactive: true, consistency: then })
    expect(shown.stored?.record?.status).to.equal(ChainStatus.DELETED)
    const first = records[0]?.revision ?? 0n
    const unborn = await failureOf(chains().getChain({ agentId, consistency: at(first - 1n) }))
    expect(detailsOf(unborn).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })

  it("at_revision returns a chain that has expired since", async () => {
    const end = Date.now() + scaled(1_000)
    const expiresAt = { seconds: BigInt(Math.floor(end / 1000)), nanos: (end % 1000) * 1_000_000 }
    const { record } = await chains().storeChain({ chain: sampleChain("brief"), expiresAt })
    const agentId = "brief"
    await until("it has expired", async () => {
      const answer = await chains()
        .getChain({ agentId, consistency: STRONG })
        .catch((error) => detailsOf(error).info?.reason)
      return answer === "TRUST_CHAIN_EXPIRED"
    })
    const given = await chains().getChain({ agentId, consistency: at(record?.revision ?? 0n) })
    expect(given.stored?.record?.revision).to.equal(record?.revision)
  })

  it("at_revision reports documents that were purged since, and denies", async () => {
    const world = trustWorld()
    const { record } = await chains().storeChain({ chain: await world.establish("gone") })
    const consistency = at(record?.revision ?? 0n)
    expect((await verify(0, "gone", { consistency })).valid).to.equal(true)
    await chains().purgeChain({ agentId: "gone" })
    const failure = await failureOf(chains().getChain({ agentId: "gone", consistency }))
    expect(detailsOf(failure).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    expect(failure.details).to.include("since been purged")
    expect(await verify(0, "gone", { consistency })).to.include({ reason: DenialReason.NO_TRUST_CHAIN })
  })

  it("at_revision refuses a future revision in both services", async () => {
    for (const [revision, told] of [
      [0n, "at least 1"],
      [-1n, "at least 1"],
      [1n << 60n, "the newest revision is"],
    ] as const) {
      for (const call of [
        chains().getChain({ agentId: "x", consistency: at(revision) }),
        verify(0, "x", { consistency: at(revision) }),
      ]) {
        const { info, badRequest } = detailsOf(await failureOf(call))
        expect(info?.reason).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations[0]).to.include({ field: "consistency.at_revision" })
        expect(badRequest?.fieldViolations[0]?.description).to.include(told)
      }
    }
  })

  it("is the same field in every read, with the same refusals", async () => {
    await chains().storeChain({ chain: sampleChain("asked") })
    type Asked = NonNullable<Parameters<ReturnType<typeof chains>["countChains"]>[0]["consistency"]>
    const { verifyTrust, checkAuthority } = calls(0, TrustVerificationService)
    const asked = { agentId: "asked", action: "read" }
    const reads: Record<string, (consistency: Asked) => Promise<unknown>> = {
      GetChain: (consistency) => chains().getChain({ agentId: "asked", consistency }),
      BatchGetChains: (consistency) => chains().batchGetChains({ agentIds: ["asked"], consistency }),
      ListChains: (consistency) => chains().listChains({ consistency }),
      CountChains: (consistency) => chains().countChains({ consistency }),
      VerifyTrust: (consistency) => verifyTrust({ ...asked, consistency }),
      CheckAuthority: (consistency) => checkAuthority({ ...asked, consistency }),
    }
    const wrong: [Asked["requirement"], string, string][] = [
      [{ case: "strong", value: false }, "consistency.strong", "true"],
      [{ case: "minRevision", value: 0n }, "consistency.min_revision", "at least 1"],
      [{ case: "minRevision", value: -1n }, "consistency.min_revision", "at least 1"],
      [{ case: "minRevision", value: 1n << 60n }, "consistency.min_revision", "the newest revision is"],
      [{ case: "atRevision", value: 0n }, "consistency.at_revision", "at least 1"],
      [{ case: "atRevision", value: -1n }, "consistency.at_revision", "at least 1"],
      [{ case: "atRevision", value: 1n << 60n }, "consistency.at_revision", "the newest revision is"],
    ]
    const [row] = await sql`select last_value::text as newest from trust_revision`
    const newest = BigInt(row?.newest)
    for (const [name, read] of Object.entries(reads)) {
      for (const [requirement, field, told] of wrong) {
        const failure = await failureOf(read({ requirement } as Asked)).catch(() =>
          expect.fail(`${name} does not refuse ${field} ${requirement?.value}`),
        )
        const { info, badRequest } = detailsOf(failure)
        expect(info?.reason, name).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
        expect(badRequest?.fieldViolations[0]?.description).to.include(told)
      }
      const unknown = create(ConsistencySchema)
      unknown.$unknown = [{ no: 9, wireType: 0, data: Uint8Array.of(1) }]
      const { info, badRequest } = detailsOf(await failureOf(read(unknown)))
      expect(info?.reason, `${name} with an unknown requirement`).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("consistency")
      for (const requirement of [
        { case: "minRevision", value: newest },
        { case: "minRevision", value: 1n },
        { case: "atRevision", value: newest },
        { case: "strong", value: true },
        { case: undefined },
      ] as const)
        await read({ requirement })
    }
  })

  it("strong, min_revision and at_revision apply to every chain of a batch", async () => {
    const agentIds = ["batch-a", "batch-b", "batch-c"]
    let first = 0n
    for (const agentId of agentIds)
      first = (await chains().storeChain({ chain: sampleChain(agentId) })).record?.revision ?? 0n
    // A change that the feed reports during a read keeps it out of memory.
    await until("the other server has learned of them", async () => {
      const { feedRevision } = await calls(1, ServerInfoService).getServerInfo({})
      return feedRevision >= first
    })
    const before = await chains(1).batchGetChains({ agentIds, consistency: STRONG })
    expect(before.found).to.have.length(3)
    const last = await withStalledFeed(database.connection, "trust_authority_revisions", async () => {
      const chain = { ...sampleChain("batch-a"), capabilities: [capability("new")] }
      await chains().storeChain({ chain })
      const { record: deleted } = await chains().deleteChain({ agentId: "batch-b" })
      const { record: purged } = await chains().purgeChain({ agentId: "batch-c" })
      expect((await chains(1).batchGetChains({ agentIds })).found).to.deep.equal(before.found)
      const least = { requirement: { case: "minRevision", value: purged?.revision ?? 0n } } as const
      for (const consistency of [STRONG, least]) {
        const { found, missing } = await chains(1).batchGetChains({ agentIds, consistency })
        expect(found.map((one) => one.chain?.capabilities[0]?.capability)).to.deep.equal(["new"])
        expect(missing).to.deep.equal(["batch-b", "batch-c"])
      }
      return deleted
    })
    const then = await chains(1).batchGetChains({ agentIds, consistency: at(first) })
    expect(then.found).to.deep.equal(before.found.slice(0, 2))
    expect(then.missing, "its documents are gone").to.deep.equal(["batch-c"])
    const later = { agentIds, consistency: at(last?.revision ?? 0n), includeInactive: true }
    const statuses = (await chains(1).batchGetChains(later)).found.map(({ record }) => record?.status)
    expect(statuses).to.deep.equal([ChainStatus.ACTIVE, ChainStatus.DELETED])
  })

  it("at_revision evaluates revocations as of that revision", async () => {
    const world = trustWorld()
    await chains().storeChain({ chain: await world.establish("lord") })
    const { record } = await chains().storeChain({ chain: await world.delegate("lord", "vassal") })
    const delegation = world.chains.get("vassal")?.chain.delegations[0]?.id ?? ""
    await sql`insert into trust_revocations (revocation_id, kind, agent_id, record_id, mode)
      values (gen_random_uuid(), 'delegation', 'vassal', ${delegation}, 'immediate')`
    const revoked = await verify(1, "vassal", { consistency: STRONG })
    expect(revoked).to.include({ valid: false, reason: DenialReason.REVOKED })
    const then = await verify(1, "vassal", { consistency: at(record?.revision ?? 0n) })
    expect(then.valid).to.equal(true)
    expect(then.validAt).to.deep.equal(record?.updatedAt)
    expect((await verify(1, "vassal", { consistency: at(revoked.revision) })).valid).to.equal(false)
    const { revision } =
      (await chains(1).getChain({ agentId: "lord", consistency: STRONG })).stored?.record ?? {}
    await sql`insert into trust_revocations (revocation_id, kind, agent_id, mode)
      values (gen_random_uuid(), 'agent', 'lord', 'immediate')`
    const before = await chains(1).getChain({ agentId: "lord", consistency: at(revision ?? 0n) })
    expect(before.stored?.record?.status).to.equal(ChainStatus.ACTIVE)
    const after = await failureOf(chains(1).getChain({ agentId: "lord", consistency: STRONG }))
    expect(detailsOf(after).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })
})
