import { randomUUID } from "node:crypto"
import { ChainStatus, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

const ROUNDS = 40

describe("writes", () => {
  let registry: TestRegistry
  let here: ReturnType<typeof connectTo>
  let there: ReturnType<typeof connectTo>

  before(async () => {
    registry = await startRegistry()
    here = connectTo(registry.address)
    there = connectTo(registry.address)
  })
  after(async () => {
    here.close()
    there.close()
    await registry.stop()
  })

  const calls = () => [here.calls(TrustStoreService), there.calls(TrustStoreService)] as const
  const withCapability = (agentId: string, name: string) => ({
    ...sampleChain(agentId),
    capabilities: [capability(name)],
  })

  /** How two concurrent calls ended: the reasons of failures, and how many did not fail. */
  async function outcomesOf(...both: Promise<unknown>[]) {
    const settled = await Promise.allSettled(both)
    const failures = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []))
    return {
      won: settled.length - failures.length,
      reasons: failures.map((error) => detailsOf(error).info?.reason),
    }
  }

  it("with the same expected_revision: one of two succeeds", async () => {
    const [a, b] = calls()
    const first = await a.storeChain({ chain: sampleChain("cas") })
    let revision = first.record?.revision
    for (let round = 0; round < ROUNDS; round++) {
      const expectedRevision = revision as bigint
      const outcomes = await outcomesOf(
        a.storeChain({ chain: withCapability("cas", `a${round}`), expectedRevision }),
        b.updateChain({ agentId: "cas", chain: withCapability("cas", `b${round}`), expectedRevision }),
      )
      expect(outcomes).to.deep.equal({ won: 1, reasons: ["REVISION_CONFLICT"] })
      revision = (await a.getChain({ agentId: "cas" })).stored?.record?.revision
      expect(revision).to.not.equal(expectedRevision)
    }
  })

  it("that create the same chain: one of two succeeds", async () => {
    const [a, b] = calls()
    for (let round = 0; round < ROUNDS; round++) {
      const chain = sampleChain(`new-${round}`)
      const outcomes = await outcomesOf(
        a.storeChain({ chain, expectedRevision: 0n }),
        b.storeChain({ chain, expectedRevision: 0n }),
      )
      expect(outcomes).to.deep.equal({ won: 1, reasons: ["REVISION_CONFLICT"] })
    }
  })

  it("that are retried get their first response, even after another write", async () => {
    const [a, b] = calls()
    for (let round = 0; round < ROUNDS; round++) {
      const request = { chain: withCapability("retry", `mine-${round}`), requestId: randomUUID() }
      const [one, two] = await Promise.all([a.storeChain(request), b.storeChain(request)])
      expect(two).to.deep.equal(one)
      const other = await b.storeChain({ chain: withCapability("retry", `other-${round}`) })
      expect(await a.storeChain(request)).to.deep.equal(one)
      const now = await a.getChain({ agentId: "retry" })
      expect(now.stored?.record?.revision).to.equal(other.record?.revision)
      expect(now.stored?.chain?.capabilities[0]?.capability).to.equal(`other-${round}`)
    }
    const rows = await registry.sql`select count(*) from trust_chain_revisions where agent_id = 'retry'`
    expect(Number(rows[0]?.count)).to.equal(2 * ROUNDS)
  })

  it("of each kind get their first response when retried", async () => {
    const [a] = calls()
    await a.storeChain({ chain: sampleChain("kinds") })
    const update = { agentId: "kinds", chain: withCapability("kinds", "x"), requestId: randomUUID() }
    const purge = { agentId: "kinds", requestId: randomUUID() }
    const soft = { agentId: "kinds", requestId: randomUUID() }
    const restore = { agentId: "kinds", requestId: randomUUID() }
    const updated = await a.updateChain(update)
    const deleted = await a.deleteChain(soft)
    const restored = await a.restoreChain(restore)
    expect(await a.deleteChain(soft)).to.deep.equal(deleted)
    expect(await a.updateChain(update)).to.deep.equal(updated)
    const purged = await a.purgeChain(purge)
    expect(purged.record?.status).to.equal(ChainStatus.DELETED)
    expect((purged.record?.revision ?? 0n) > (restored.record?.revision ?? 0n)).to.equal(true)
    expect(await a.purgeChain(purge)).to.deep.equal(purged)
    expect(await a.restoreChain(restore)).to.deep.equal(restored)
    const failure = await failureOf(a.getChain({ agentId: "kinds", includeInactive: true }))
    expect(detailsOf(failure).info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })

  it("that change nothing leave no trace, and are evaluated anew when retried", async () => {
    const [a, b] = calls()
    const agentId = "nothing"
    await a.storeChain({ chain: sampleChain(agentId) })
    const deleted = await a.deleteChain({ agentId })
    const again = { agentId, requestId: randomUUID() }
    expect(await b.deleteChain(again)).to.deep.equal({ ...deleted, unchanged: true })
    const restored = await a.restoreChain({ agentId })
    const now = await b.deleteChain(again)
    expect((now.record?.revision ?? 0n) > (restored.record?.revision ?? 0n)).to.equal(true)
    const rows = await registry.sql`
      select operation from trust_chain_revisions where agent_id = ${agentId} order by revision`
    expect(rows.map(({ operation }) => operation)).to.deep.equal([
      "created",
      "deleted",
      "restored",
      "deleted",
    ])
  })

  it("with the request_id of another change are refused", async () => {
    const [a] = calls()
    const requestId = randomUUID()
    await a.storeChain({ chain: withCapability("reuse", "one"), requestId })
    const failures = await Promise.all([
      failureOf(a.storeChain({ chain: withCapability("reuse", "two"), requestId })),
      failureOf(a.deleteChain({ agentId: "reuse", requestId })),
      failureOf(a.purgeChain({ agentId: "reuse", requestId })),
      failureOf(a.restoreChain({ agentId: "reuse", requestId })),
    ])
    for (const failure of failures) expect(detailsOf(failure).info?.reason).to.equal("REQUEST_ID_REUSED")
    expect((await a.getChain({ agentId: "reuse" })).stored?.chain?.capabilities[0]?.capability).to.equal(
      "one",
    )
  })

  it("are serialized: concurrent stores, deletes and restores have responses that fit one order", async () => {
    const [a, b] = calls()
    await a.storeChain({ chain: withCapability("churn", "seed") })
    for (let round = 0; round < ROUNDS; round++) {
      const name = `round-${round}`
      const [stored, deleted, restored] = await Promise.allSettled([
        a.storeChain({ chain: withCapability("churn", name) }),
        b.deleteChain({ agentId: "churn" }),
        a.restoreChain({ agentId: "churn" }),
      ])
      expect(deleted.status).to.equal("fulfilled")
      expect(restored.status).to.equal("fulfilled")
      if (stored.status === "rejected")
        expect(detailsOf(stored.reason).info?.reason).to.equal("TRUST_CHAIN_INACTIVE")
      const now = (await b.getChain({ agentId: "churn", includeInactive: true })).stored
      const held = now?.chain?.capabilities[0]?.capability === name
      expect(held).to.equal(stored.status === "fulfilled")
      if (now?.record?.status === ChainStatus.DELETED) await b.restoreChain({ agentId: "churn" })
    }
  })

  it("get revisions in commit order", async () => {
    const [a, b] = calls()
    const writes = Array.from({ length: 200 }, (_, i) =>
      [a, b][i % 2]?.storeChain({ chain: sampleChain(`order-${i % 7}`) }),
    )
    const answers = await Promise.all(writes)
    const revisions = answers.map((answer) => answer?.record?.revision)
    expect(new Set(revisions).size).to.equal(200)
    const rows = await registry.sql`
      select revision, updated_at from trust_chain_revisions where agent_id like 'order-%' order by revision`
    const times = rows.map((row) => (row.updated_at as Date).getTime())
    expect(times).to.deep.equal([...times].sort((left, right) => left - right))
  })

  it("that are valid succeed beside a bad row", async () => {
    const [a] = calls()
    await registry.sql`alter table trust_chains add constraint refused check (authority_id <> 'org-refused')`
    try {
      const bad = sampleChain("bad-row")
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 300 }, (_, i) => a.storeChain({ chain: sampleChain(`good-row-${i}`) })),
        a.storeChain({ chain: { genesis: { ...bad.genesis, authorityId: "org-refused" } } }),
      ])
      expect(outcomes.filter(({ status }) => status === "fulfilled")).to.have.length(300)
      const [changes] = await registry.sql`
        select count(distinct xmin::text)::int as n from trust_chains where agent_id like 'good-row-%'`
      expect(changes?.n, "transactions").to.be.lessThan(30)
    } finally {
      await registry.sql`alter table trust_chains drop constraint refused`
    }
  })

  it("by hand are in history with their actor, and are never lost", async () => {
    const [a] = calls()
    await a.storeChain({ chain: withCapability("hand", "before") })
    for (let round = 0; round < 10; round++) {
      const byHand = registry.sql`
        update trust_chains set expires_at = ${`20${40 + round}-01-01T00:00:00Z`} where agent_id = 'hand'`
      await Promise.all([a.storeChain({ chain: withCapability("hand", `r${round}`) }), byHand])
    }
    const rows = await registry.sql`
      select updated_by, operation from trust_chain_revisions where agent_id = 'hand' order by revision`
    const hands = rows.filter((row) => String(row.updated_by).startsWith("postgres:"))
    expect(hands).to.have.length(10)
    expect(rows).to.have.length(21)
    await registry.sql`delete from trust_chains where agent_id = 'hand'`
    const [last] = await registry.sql`
      select operation, updated_by, chain_data from trust_chain_revisions where agent_id = 'hand'
      order by revision desc limit 1`
    expect(last?.operation).to.equal("purged")
    expect(last?.updated_by).to.match(/^postgres:/)
    expect(last?.chain_data).to.equal(null)
  })

  it("by hand can insert an inactive chain, which stays inactive", async () => {
    const [a] = calls()
    await a.storeChain({ chain: sampleChain("source") })
    await registry.sql`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash, is_active)
      select 'inserted', 0, authority_id, jsonb_set(chain_data, '{genesis,agent_id}', '"inserted"'), chain_bytes,
             chain_hash, content_hash, false
      from trust_chains where agent_id = 'source'`
    const { record } = (await a.getChain({ agentId: "inserted", includeInactive: true })).stored ?? {}
    expect(record?.status).to.equal(ChainStatus.DELETED)
    expect(detailsOf(await failureOf(a.getChain({ agentId: "inserted" }))).info?.reason).to.equal(
      "TRUST_CHAIN_NOT_FOUND",
    )
  })

  it("fail in time while a transaction is held open, and reads continue", async () => {
    const [a, b] = calls()
    await a.storeChain({ chain: sampleChain("held") })
    const impatient = await registry.beside({ databaseTimeoutMs: 500 })
    const line = connectTo(impatient.address)
    const hold = await registry.sql.reserve()
    try {
      await hold`begin`
      await hold`update trust_chains set updated_by = 'me' where agent_id = 'held'`
      const { storeChain } = line.calls(TrustStoreService)
      const write = failureOf(storeChain({ chain: sampleChain("held-other") }))
      const read = await b.getChain({ agentId: "held" })
      expect(read.stored?.record?.agentId).to.equal("held")
      expect((await b.listChains({ filter: { agentIdPrefix: "held" } })).chains).to.have.length(1)
      const details = detailsOf(await write)
      expect(details.info?.reason).to.equal("DATABASE_UNAVAILABLE")
      expect(details.retry).to.not.equal(undefined)
    } finally {
      await hold`rollback`
      hold.release()
    }
    await a.storeChain({ chain: sampleChain("held-other") })
    line.close()
    await impatient.stop()
  })

  it("by hand cannot break the order: truncate, change an agent_id, revive a revoked chain", async () => {
    const [a] = calls()
    await a.storeChain({ chain: sampleChain("rules") })
    const refused = async (statement: Promise<unknown>) =>
      (await statement.then(
        () => "done",
        (error) => (error as { code: string }).code,
      )) as string
    const { sql } = registry
    expect(await refused(sql`truncate trust_chains`)).to.equal("23001")
    expect(await refused(sql`truncate trust_chain_revisions`)).to.equal("23001")
    expect(await refused(sql`update trust_chains set agent_id = 'x' where agent_id = 'rules'`)).to.equal(
      "23001",
    )
    await sql`update trust_chains set status = 'revoked' where agent_id = 'rules'`
    expect(await refused(sql`update trust_chains set is_active = true where agent_id = 'rules'`)).to.equal(
      "23001",
    )
    for (const call of [
      () => a.restoreChain({ agentId: "rules" }),
      () => a.deleteChain({ agentId: "rules" }),
      () => a.storeChain({ chain: sampleChain("rules") }),
    ])
      expect(detailsOf(await failureOf(call())).info?.reason).to.equal("TRUST_CHAIN_REVOKED")
  })
})
