import {
  connect,
  MAX_SILENCE_MS,
  TrustChainExpiredError,
  TrustChainNotFoundError,
  type TrustRegistry,
} from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { until } from "../support/until.js"

describe("the SDK's near-cache", () => {
  let server: TestRegistry
  let other: TrustRegistry
  let near: TrustRegistry
  beforeEach(async () => {
    server = await startRegistry({ drainTimeoutMs: 500 })
    other = connectSdk(server.address)
    near = connectSdk(server.address, { cache: { maxEntries: 100 } })
  })
  afterEach(async () => {
    near.close()
    other.close()
    await server.stop()
  })

  const store = (registry: TrustRegistry, agentId: string) =>
    registry.storeChain({ chain: sampleChain(agentId) })
  const calls = () => server.log.filter((line) => JSON.stringify(line).includes("GetChain")).length
  const revisionOf = async (registry: TrustRegistry, agentId: string) =>
    (await registry.getChain({ agentId })).record?.revision

  /** Reads until an answer came without a call. */
  const warm = (agentId: string) =>
    until(`${agentId} is in memory`, async () => {
      const before = calls()
      await near.getChain({ agentId })
      return calls() === before
    })

  it("answers hot reads without a call, from copies that callers cannot change", async () => {
    await store(other, "a")
    await warm("a")
    const before = calls()
    for (let i = 0; i < 1_000; i++) await near.getChain({ agentId: "a" })
    expect(calls()).to.equal(before)
    const { chain } = await near.getChain({ agentId: "a" })
    for (const part of [chain, chain?.genesis, chain?.capabilities])
      expect(Object.isFrozen(part)).to.equal(true)
    await near.getChain({ agentId: "a", consistency: { requirement: { case: "strong", value: true } } })
    expect(calls()).to.equal(before + 1)
  })

  it("reflects changes by others, and changes by hand", async () => {
    await store(other, "a")
    await warm("a")
    const { record } = await store(other, "a")
    await until("the new one is given", async () => (await revisionOf(near, "a")) === record?.revision)
    await warm("a")
    await server.sql`update trust_chains set status = 'suspended' where agent_id = 'a'`
    await until("it is not found", async () => {
      const answer = await near.getChain({ agentId: "a" }).catch((error) => error)
      return answer instanceof TrustChainNotFoundError
    })
  })

  it("reflects its own writes at once", async () => {
    await store(near, "a")
    await warm("a")
    for (let i = 0; i < 50; i++) {
      const { record } = await store(near, "a")
      expect(await revisionOf(near, "a")).to.equal(record?.revision)
    }
    await near.deleteChain({ agentId: "a" })
    const answer = await near.getChain({ agentId: "a" }).catch((error) => error)
    expect(answer).to.be.instanceOf(TrustChainNotFoundError)
  })

  it("expires chains by the clock", async () => {
    const at = Date.now() + scaled(1_500)
    const expiresAt = { seconds: BigInt(Math.floor(at / 1000)), nanos: (at % 1000) * 1_000_000 }
    await other.storeChain({ chain: sampleChain("a"), expiresAt })
    await warm("a")
    await until("it has expired", async () => {
      const askedAt = Date.now()
      const answer = await near.getChain({ agentId: "a" }).catch((error) => error)
      expect(answer instanceof TrustChainExpiredError || askedAt <= at).to.equal(true)
      return answer instanceof TrustChainExpiredError
    })
  })

  it("is bypassed while its watch is silent", async () => {
    const proxy = await startTcpProxy(Number(server.address.split(":").at(-1)))
    near.close()
    near = connect(`127.0.0.1:${proxy.port}`, {
      cache: { maxEntries: 100 },
      keepaliveMs: 60_000,
      timeoutMs: 500,
    })
    await store(other, "a")
    await warm("a")
    proxy.freeze()
    await store(other, "a")
    // By now the client has read everything that the watch sent before the silence.
    const silentSince = performance.now()
    const askedAfterMs: number[] = []
    await until("it is no longer answered from memory", async () => {
      const silentMs = performance.now() - silentSince
      const answer = await near.getChain({ agentId: "a" }).catch((error) => error)
      // A call was made, and nobody answers it.
      if (answer instanceof Error) return true
      askedAfterMs.push(silentMs)
      return false
    })
    expect(askedAfterMs.filter((ms) => ms > MAX_SILENCE_MS)).to.deep.equal([])
    proxy.thaw()
    proxy.close()
  })

  it("keeps at most its configured number of chains", async () => {
    near.close()
    near = connectSdk(server.address, { cache: { maxEntries: 10 } })
    const agents = Array.from({ length: 50 }, (_, i) => `agent-${i}`)
    for (const agentId of agents) await store(other, agentId)
    await warm("agent-0")
    for (const agentId of agents) await near.getChain({ agentId })
    const before = calls()
    for (const agentId of agents) await near.getChain({ agentId })
    expect(calls() - before).to.be.at.least(40)
    for (const maxEntries of [0, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => connect(server.address, { cache: { maxEntries } })).to.throw(TypeError, "whole number")
  })

  it("continues to read after a failover that lost its own writes", async () => {
    await store(near, "kept")
    await warm("kept")
    const { record } = await store(near, "lost")
    const lost = Number(record?.revision)
    await server.sql.unsafe(`
      alter table trust_chains disable trigger user;
      delete from trust_chains where revision >= ${lost};
      delete from trust_chain_revisions where revision >= ${lost};
      alter table trust_chains enable trigger user;
      select setval('trust_revision', ${lost}, false)`)
    await until("it reads again, from memory too", async () => {
      const before = calls()
      await near.getChain({ agentId: "kept" })
      return calls() === before
    })
  })
})
