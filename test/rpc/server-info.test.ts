import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt"
import type { connect } from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { withStalledFeed } from "../support/stallFeed.js"
import { until } from "../support/until.js"

describe("GetServerInfo", () => {
  let registry: TestRegistry
  let begun: number
  let client: ReturnType<typeof connect>

  beforeEach(async () => {
    begun = Date.now()
    registry = await startRegistry({ cacheMaxAgeMs: 500 })
    client = connectSdk(registry.address)
  })
  afterEach(async () => {
    client.close()
    await registry.stop()
  })

  const feedLines = () =>
    registry.log.filter(({ msg }) => msg.startsWith("the change feed is")).map(({ level }) => level)

  it("returns version, start time, feed and memory use", async () => {
    const empty = await client.getServerInfo({})
    expect(empty).to.include({ worker: 0, databaseAvailable: true })
    expect([empty.feedRevision, empty.newestRevision, empty.oldestRevision]).to.deep.equal([0n, 0n, 1n])
    expect(empty.version).to.match(/^\d+\.\d+\.\d+(\+[0-9a-f]{40}(\.dirty)?)?$/)
    expect(empty.schemaVersion).to.be.greaterThan(1)
    const startedAt = empty.startedAt && timestampDate(empty.startedAt).getTime()
    expect(startedAt).to.be.within(begun, Date.now())
    const { record } = await client.storeChain({ chain: sampleChain("one") })
    const told = await until("it has heard of the chain", async () => {
      const info = await client.getServerInfo({})
      return info.feedRevision === record?.revision && info
    })
    expect(told.newestRevision).to.equal(record?.revision)
    await client.getChain({ agentId: "one" }) // a read that is under way when the feed tells of its chain is not kept
    expect(await client.getServerInfo({})).to.include({ cachedChains: 1n, cachedAuthorities: 0n })
    await until("memory is fresh", async () => (await client.getServerInfo({})).memoryFresh)
  })

  it("returns the age of the feed; while it is too old, reads go to the database and health is SERVING", async () => {
    await client.storeChain({ chain: sampleChain("read") })
    await withStalledFeed(registry.connection, "trust_authority_revisions", async () => {
      const held = await until("memory is too old", async () => {
        const info = await client.getServerInfo({})
        return !info.memoryFresh && info
      })
      expect(held.feedAge && durationMs(held.feedAge)).to.be.at.least(500)
      expect(held.databaseAvailable).to.equal(true)
      await until("the log says so", () => feedLines().at(-1) === "error")
      expect(await client.checkHealth()).to.equal("SERVING")
      expect((await client.getChain({ agentId: "read" })).record?.agentId).to.equal("read")
    })
    await until("memory is fresh", async () => (await client.getServerInfo({})).memoryFresh)
    await until("the log says so", () => feedLines().at(-1) === "info")
  })

  it("works without the database", async () => {
    await registry.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
    await registry.sql`alter table trust_migrations rename to hidden`
    try {
      const info = await until("the database counts as away", async () => {
        const answer = await client.getServerInfo({})
        return !answer.databaseAvailable && answer
      })
      expect(info.oldestRevision).to.equal(undefined)
    } finally {
      await registry.sql`alter table hidden rename to trust_migrations`
    }
  })
})
