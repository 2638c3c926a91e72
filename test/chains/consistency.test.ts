import {
  AuthorityService,
  AuthorityType,
  DenialReason,
  type TrustLineageChain,
  TrustStoreService,
  TrustVerificationService,
  VerificationLevel,
} from "@trust-registry/proto"
import { createLog, defaultConfig, type RegistryServer, startServer } from "@trust-registry/server"
import { expect } from "chai"
import postgres from "postgres"
import { once } from "../../server/dist/store/cache/trustReader.js"
import { createReads } from "../../server/dist/store/database/reads.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { deaf } from "../support/deaf.js"
import { type FreshDatabase, freshDatabase } from "../support/postgres.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

const STRONG = { case: "strong", value: true } as const
const at = (value: bigint) => ({ case: "atRevision", value }) as const
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

  it("strong sees at once what another server wrote, and memory has it from then on", async () => {
    const agentId = "shared"
    const first = await chains().storeChain({ chain: sampleChain(agentId) })
    const revision = async (consistency = {}) =>
      (await chains(1).getChain({ agentId, ...consistency })).record?.revision
    await deaf(database.connection, "trust_authority_revisions", async () => {
      expect(await revision({ consistency: STRONG })).to.equal(first.record?.revision)
      const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
      const second = await chains().storeChain({ chain })
      expect(await revision()).to.equal(first.record?.revision)
      expect(await revision({ consistency: { case: "strong", value: false } })).to.equal(
        first.record?.revision,
      )
      expect(await revision({ consistency: STRONG })).to.equal(second.record?.revision)
      expect(await revision()).to.equal(second.record?.revision)
      await chains().deleteChain({ agentId })
      const gone = await failureOf(chains(1).getChain({ agentId, consistency: STRONG }))
      expect(detailsOf(gone).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    })
  })

  it("strong reads each id once in a call, and those asked for at once in one statement", async () => {
    const statements: string[][] = []
    const read = createReads<{ id: string }>(
      async (ids) => {
        statements.push(ids)
        return ids.map((id) => ({ id }))
      },
      ({ id }) => id,
    )
    const readOnce = once(read)
    await Promise.all(["a", "b", "a", "c"].map(readOnce))
    await Promise.all(["c", "d"].map(readOnce))
    expect(statements).to.deep.equal([["a", "b", "c"], ["d"]])
  })

  it("strong judges by everybody above as they are now, at every level", async () => {
    const world = trustWorld()
    const store = (chain: TrustLineageChain) => chains().storeChain({ chain })
    await store(await world.establish("root"))
    await store(await world.delegate("root", "middle"))
    await store(await world.delegate("middle", "leaf"))
    for (const level of [1, 2, 3] as const) expect((await verify(1, "leaf", {}, level)).valid).to.equal(true)
    await deaf(database.connection, "trust_authority_revisions", async () => {
      await chains().deleteChain({ agentId: "root" })
      for (const level of [1, 2, 3] as const) {
        const answer = await verify(1, "leaf", { consistency: STRONG }, level)
        expect(answer).to.include({ valid: false, reason: DenialReason.DELEGATOR_INACTIVE })
      }
      await chains().restoreChain({ agentId: "root" })
      expect((await verify(1, "leaf", { consistency: STRONG })).valid).to.equal(true)
    })
  })

  it("strong reads an authority anew: a key that another server replaced verifies nothing", async () => {
    const world = trustWorld()
    const { record } = await chains().storeChain({ chain: await world.establish("keyed") })
    expect((await verify(1, "keyed")).valid).to.equal(true)
    const setKey = (publicKey: string) => sql`
      update trust_authorities
      set authority_data = jsonb_set(authority_data, '{keys,0,public_key}', to_jsonb(${publicKey}::text))
      where authority_id = 'org-a'`
    await deaf(database.connection, "trust_chain_revisions", async () => {
      await setKey(signerOf("org-b").publicKey)
      expect((await verify(1, "keyed", { consistency: STRONG })).valid).to.equal(false)
    })
    const before = { consistency: at(record?.revision ?? 0n) }
    expect((await verify(1, "keyed", before)).valid).to.equal(true)
    await setKey(signerOf("org-a").publicKey)
    expect((await verify(1, "keyed", { consistency: STRONG })).valid).to.equal(true)
  })

  it("at_revision gives each state that ever was, and judges it at its own moment", async () => {
    const agentId = "old"
    const records = []
    for (const name of ["a", "b", "c"]) {
      const chain = { ...sampleChain(agentId), capabilities: [capability(name)] }
      records.push((await chains().storeChain({ chain })).record)
    }
    const deleted = await chains().deleteChain({ agentId })
    for (const [index, record] of records.entries()) {
      const given = await chains(1).getChain({ agentId, consistency: at(record?.revision ?? 0n) })
      expect(given.record).to.deep.equal(record)
      expect(given.chain?.capabilities[0]?.capability).to.equal("abc"[index])
    }
    const then = at(deleted.record?.revision ?? 0n)
    const missing = await failureOf(chains().getChain({ agentId, consistency: then }))
    expect(detailsOf(missing).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    const shown = await chains().getChain({ agentId, includeInactive: true, consistency: then })
    expect(shown.record?.isActive).to.equal(false)
    const first = records[0]?.revision ?? 0n
    const unborn = await failureOf(chains().getChain({ agentId, consistency: at(first - 1n) }))
    expect(detailsOf(unborn).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })

  it("at_revision gives a chain that has expired since, as it was valid then", async () => {
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
    expect(given.record?.revision).to.equal(record?.revision)
  })

  it("at_revision says so where the documents were removed for good since, and denies", async () => {
    const world = trustWorld()
    const { record } = await chains().storeChain({ chain: await world.establish("gone") })
    const consistency = at(record?.revision ?? 0n)
    expect((await verify(0, "gone", { consistency })).valid).to.equal(true)
    await chains().deleteChain({ agentId: "gone", softDelete: false })
    const failure = await failureOf(chains().getChain({ agentId: "gone", consistency }))
    expect(detailsOf(failure).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
    expect(failure.details).to.include("removed for good")
    expect(await verify(0, "gone", { consistency })).to.include({ reason: DenialReason.NO_TRUST_CHAIN })
  })

  it("at_revision refuses what was not yet, in both services", async () => {
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
        expect(badRequest?.fieldViolations[0]).to.include({ field: "at_revision" })
        expect(badRequest?.fieldViolations[0]?.description).to.include(told)
      }
    }
  })

  it("at_revision knows what stood revoked then, and what did not yet", async () => {
    const world = trustWorld()
    await chains().storeChain({ chain: await world.establish("lord") })
    const { record } = await chains().storeChain({ chain: await world.delegate("lord", "vassal") })
    const delegation = world.chains.get("vassal")?.chain.delegations[0]?.id ?? ""
    await sql`insert into trust_revocations (revocation_id, kind, agent_id, record_id, mode)
      values (gen_random_uuid(), 'delegation', 'vassal', ${delegation}, 'immediate')`
    const revoked = await verify(1, "vassal", { consistency: STRONG })
    expect(revoked).to.include({ valid: false, reason: DenialReason.REVOKED })
    expect((await verify(1, "vassal", { consistency: at(record?.revision ?? 0n) })).valid).to.equal(true)
    expect((await verify(1, "vassal", { consistency: at(revoked.revision) })).valid).to.equal(false)
    const { revision } = (await chains(1).getChain({ agentId: "lord", consistency: STRONG })).record ?? {}
    await sql`insert into trust_revocations (revocation_id, kind, agent_id, mode)
      values (gen_random_uuid(), 'agent', 'lord', 'immediate')`
    const before = await chains(1).getChain({ agentId: "lord", consistency: at(revision ?? 0n) })
    expect(before.record?.isActive).to.equal(true)
    const after = await failureOf(chains(1).getChain({ agentId: "lord", consistency: STRONG }))
    expect(detailsOf(after).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })
})
