import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  ChainStatus,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import type { RegistryServer } from "@trust-registry/server"
import { expect } from "chai"
import { createStore, type Store } from "../../server/dist/store/store.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { embeddedFolder, spawnServer } from "../support/process.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { withStalledFeed } from "../support/stallFeed.js"
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason

describe("two servers on one database", () => {
  // So high that nothing but word of a change can be what made it seen.
  const cacheMaxAgeMs = 3_600_000
  let registry: TestRegistry
  let other: RegistryServer
  let lines: ReturnType<typeof connectTo>[]

  before(async () => {
    registry = await startRegistry({ cacheMaxAgeMs })
    other = await registry.beside({ cacheMaxAgeMs })
    lines = [connectTo(registry.address), connectTo(other.address)]
  })
  after(async () => {
    for (const line of lines) line.close()
    await other.stop()
    await registry.stop()
  })
  const lineTo = (which: 0 | 1) => lines[which] as ReturnType<typeof connectTo>
  const callsTo = (which: 0 | 1) => lineTo(which).calls(TrustStoreService)
  const verify = (which: 0 | 1, agentId: string, minRevision?: bigint) =>
    lineTo(which)
      .calls(TrustVerificationService)
      .verifyTrust({
        agentId,
        action: "read_data",
        ...(minRevision === undefined
          ? {}
          : { consistency: { requirement: { case: "minRevision", value: minRevision } } }),
      })

  it("see each other's changes by push", async () => {
    const [a, b] = [callsTo(0), callsTo(1)]
    const agentId = "pushed"
    const hidden = async () =>
      (await reasonOf(b.getChain({ agentId, includeInactive: true }))) === "TRUST_CHAIN_NOT_FOUND"
    expect(await hidden()).to.equal(true)
    const { record } = await a.storeChain({ chain: sampleChain(agentId) })
    await until(
      "the store is seen",
      async () => (await b.getChain({ agentId })).stored?.record?.revision === record?.revision,
    )
    const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
    await a.updateChain({ agentId, chain })
    await until(
      "the update is seen",
      async () => (await b.getChain({ agentId })).stored?.chain?.capabilities.length === 1,
    )
    const active = async () =>
      (await b.getChain({ agentId, includeInactive: true })).stored?.record?.status === ChainStatus.ACTIVE
    await a.deleteChain({ agentId })
    await until("the deletion is seen", async () => (await active()) === false)
    await a.restoreChain({ agentId })
    await until("the restoration is seen", active)
    await a.purgeChain({ agentId })
    await until("the removal is seen", hidden)
  })

  it("see changes by hand by push: of a chain, an authority or a revocation", async () => {
    const world = trustWorld()
    const keys = [{ keyId: "1", publicKey: signerOf("org-a").publicKey }]
    const authority = {
      id: "org-a",
      name: "A",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await lineTo(0).calls(AuthorityService).registerAuthority({ authority })
    await callsTo(0).storeChain({ chain: await world.establish("hand") })
    const valid = async () =>
      (await Promise.all([verify(0, "hand"), verify(1, "hand")])).map((answer) => answer.valid)
    const both = (expected: boolean) => async () => (await valid()).every((one) => one === expected)
    await until("it is trusted", both(true))
    const setKey = (publicKey: string) => registry.sql`
      update trust_authorities
      set authority_data = jsonb_set(authority_data, '{keys,0,public_key}', to_jsonb(${publicKey}::text))
      where authority_id = 'org-a'`
    await setKey(signerOf("org-b").publicKey)
    await until("the new key is seen", both(false))
    await setKey(signerOf("org-a").publicKey)
    await until("the old key is seen", both(true))
    await registry.sql`update trust_chains set is_active = false where agent_id = 'hand'`
    await until("the deletion is seen", both(false))
    await registry.sql`update trust_chains set is_active = true where agent_id = 'hand'`
    await until("the restoration is seen", both(true))
    await registry.sql`insert into trust_revocations (revocation_id, kind, agent_id, mode)
      values (gen_random_uuid(), 'agent', 'hand', 'immediate')`
    await until("the revocation is seen", both(false))
  })

  it("see each other's writes at once with min_revision, whether the feed is fast or delayed", async () => {
    const [a, b] = [callsTo(0), callsTo(1)]
    const readAfterWrite = async (agentId: string) => {
      await a.storeChain({ chain: sampleChain(agentId) })
      for (let round = 0; round < 5; round++) {
        await b.getChain({ agentId, includeInactive: true })
        const change = round % 2 === 0 ? a.deleteChain({ agentId }) : a.restoreChain({ agentId })
        const revision = (await change).record?.revision ?? 0n
        const consistency = { requirement: { case: "minRevision", value: revision } } as const
        const reads = [1, 2, 3].map(() => b.getChain({ agentId, includeInactive: true, consistency }))
        for (const { stored } of await Promise.all(reads)) expect(stored?.record?.revision).to.equal(revision)
      }
    }
    await readAfterWrite("quick")
    await withStalledFeed(registry.connection, "trust_authority_revisions", () => readAfterWrite("held-up"))
  })

  it("apply min_revision to everything that VerifyTrust reads", async () => {
    const world = trustWorld()
    const [a] = [callsTo(0)]
    await a.storeChain({ chain: await world.establish("root") })
    await a.storeChain({ chain: await world.delegate("root", "leaf") })
    for (let round = 0; round < 3; round++) {
      const deleted = (await a.deleteChain({ agentId: "root" })).record?.revision ?? 0n
      expect((await verify(1, "leaf", deleted)).valid).to.equal(false)
      const restored = (await a.restoreChain({ agentId: "root" })).record?.revision ?? 0n
      expect((await verify(1, "leaf", restored)).valid).to.equal(true)
    }
  })

  it("refuse a min_revision that does not exist yet, or below 1", async () => {
    for (const [value, told] of [
      [0n, "at least 1"],
      [-1n, "at least 1"],
      [1n << 60n, "the newest revision is"],
    ] as const)
      for (const call of [
        callsTo(0).getChain({ agentId: "x", consistency: { requirement: { case: "minRevision", value } } }),
        verify(0, "x", value),
      ]) {
        const { info, badRequest } = detailsOf(await failureOf(call))
        expect(info?.reason).to.equal("INVALID_REQUEST")
        expect(badRequest?.fieldViolations[0]).to.include({ field: "consistency.min_revision" })
        expect(badRequest?.fieldViolations[0]?.description).to.include(told)
      }
  })
})

describe("a server that receives no notifications", () => {
  it("serves no read older than the maximum age: it asks the database", async () => {
    const cacheMaxAgeMs = 500
    const registry = await startRegistry({ cacheMaxAgeMs })
    const line = connectTo(registry.address)
    try {
      const { storeChain, getChain } = line.calls(TrustStoreService)
      const agentId = "unheard"
      await storeChain({ chain: sampleChain(agentId) })
      await getChain({ agentId })
      await withStalledFeed(registry.connection, "trust_authority_revisions", async () => {
        await registry.sql`update trust_chains set is_active = false where agent_id = 'unheard'`
        const changed = performance.now()
        for (let seen = 0; seen < 20 || performance.now() - changed < 2 * cacheMaxAgeMs; ) {
          const begun = performance.now()
          const { record } = (await getChain({ agentId, includeInactive: true })).stored ?? {}
          if (begun - changed > cacheMaxAgeMs) expect(record?.status).to.equal(ChainStatus.DELETED)
          if (record?.status !== ChainStatus.ACTIVE) seen++
        }
        await registry.sql`update trust_chains set is_active = true where agent_id = 'unheard'`
        const { record } = (await getChain({ agentId })).stored ?? {}
        expect(record?.status, "nothing is from memory").to.equal(ChainStatus.ACTIVE)
      })
    } finally {
      line.close()
      await registry.stop()
    }
  })

  it("serves nothing stale after being stopped by SIGSTOP and continued", async () => {
    const folder = await embeddedFolder()
    const bound = 400
    const args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.dataDir]
    const patience = ["--database-timeout-ms", "60000"]
    const server = spawnServer([...args, ...patience, "--cache-max-age-ms", String(bound)])
    const line = connectTo(await server.address())
    try {
      const { storeChain, getChain } = line.calls(TrustStoreService)
      const agentId = "asleep"
      await storeChain({ chain: sampleChain(agentId) })
      for (let round = 0; round < 4; round++) {
        const active = round % 2 === 1
        await getChain({ agentId, includeInactive: true })
        server.signal("SIGSTOP")
        await folder.withSql(
          (sql) => sql`update trust_chains set is_active = ${active} where agent_id = 'asleep'`,
        )
        await new Promise((resolve) => setTimeout(resolve, bound))
        const reads = Array.from({ length: 20 }, () => getChain({ agentId, includeInactive: true }))
        // Some of them are in the socket of the sleeper, the others come while it wakes up.
        await new Promise((resolve) => setTimeout(resolve, round * 10))
        server.signal("SIGCONT")
        reads.push(...Array.from({ length: 20 }, () => getChain({ agentId, includeInactive: true })))
        const status = active ? ChainStatus.ACTIVE : ChainStatus.DELETED
        for (const { stored } of await Promise.all(reads)) expect(stored?.record?.status).to.equal(status)
      }
    } finally {
      line.close()
      server.signal("SIGKILL")
      await server.ended
      await folder.end()
    }
  })
})

describe("a store with a connection that delays responses", () => {
  let registry: TestRegistry
  let proxy: TcpProxy
  let store: Store

  async function start(timeoutMs: number) {
    registry = await startRegistry()
    proxy = await startTcpProxy(registry.connection.path)
    const { path: _, ...connection } = { ...registry.connection, host: "127.0.0.1", port: proxy.port }
    store = createStore({
      connection,
      maxConnections: 6,
      timeoutMs,
      cacheEntries: 100,
      cacheMaxAgeMs: 60_000,
      maxWaitingWrites: 10,
      historyRetentionMs: 0,
      onEvent: () => {},
    })
    await store.monitor.whenAvailable(scaled(10_000))
    await reach(0n)
  }
  const reach = (revision: bigint) => store.feed.reached(revision, AbortSignal.timeout(scaled(20_000)))
  afterEach(async () => {
    proxy.close()
    await store.close(0)
    await registry.stop()
  })

  it("keeps no row that was read before a change reported since", async () => {
    await start(60_000)
    const line = connectTo(registry.address)
    const { record } = await line.calls(TrustStoreService).storeChain({ chain: sampleChain("slow") })
    await reach(record?.revision ?? 0n)
    // A line is open, so that the read goes out on it.
    await store.chains.get("another")
    const [sent] = await registry.sql`select clock_timestamp()::text as at`
    proxy.freezeAnswers()
    const held = store.chains.get("slow") as Promise<{ revision: bigint }>
    await until("the database has answered it", async () => {
      const [row] = await registry.sql`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and state = 'idle' and query like '%chain_data, chain_bytes%'
          and query_start > ${sent?.at}::text::timestamptz`
      return row?.n > 0
    })
    const changed =
      (await line.calls(TrustStoreService).deleteChain({ agentId: "slow" })).record?.revision ?? 0n
    line.close()
    await reach(changed)
    proxy.thaw()
    expect((await held).revision).to.equal(record?.revision)
    const after = await store.chains.get("slow")
    expect(after?.revision).to.equal(changed)
    expect(store.chains.get("slow"), "kept now").to.equal(after)
  })

  it("delays no reader beyond the database timeout, however many wait on a half-open connection", async () => {
    await start(1_000)
    const read = (agentId: string) => Promise.resolve(store.chains.get(agentId))
    await until("there is a line", () => read("first").then(() => true))
    const ask = () => Promise.allSettled(Array.from({ length: 60 }, (_, i) => read(`half-dead-${i % 20}`)))
    for (let round = 0; round < 2; round++) {
      proxy.freeze()
      // Some find lines that are frozen and never thaw, some open new ones that work.
      const outcomes = await ask()
      for (const outcome of outcomes)
        if (outcome.status === "rejected") expect(outcome.reason.message).to.include("the database")
      await until("all are answered again", async () =>
        (await ask()).every(({ status }) => status === "fulfilled"),
      )
    }
  })
})
