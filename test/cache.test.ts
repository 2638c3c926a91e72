import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { createCache } from "../server/dist/store/cache.js"
import { connectTo, detailsOf, failureOf } from "./support/calls.js"
import { capability } from "./support/records.js"
import { sampleChain } from "./support/sample.js"
import { startRegistry, type TestRegistry } from "./support/server.js"
import { until } from "./support/until.js"

describe("the cache", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  after(async () => {
    line.close()
    await registry.stop()
  })
  const calls = () => line.calls(TrustStoreService)
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason

  it("own writes are seen at once, after reads of the old state and of nothing", async () => {
    for (let round = 0; round < 30; round++) {
      const agentId = `own-${round}`
      expect(await reasonOf(calls().getChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
      await calls().storeChain({ chain: sampleChain(agentId) })
      const reads = Array.from({ length: 5 }, () => calls().getChain({ agentId }))
      const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
      const [stored] = await Promise.all([calls().storeChain({ chain }), ...reads])
      const { record } = await calls().getChain({ agentId })
      expect(record?.revision).to.equal(stored.record?.revision)
      await calls().deleteChain({ agentId })
      expect(await reasonOf(calls().getChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
      await calls().restoreChain({ agentId })
      expect((await calls().getChain({ agentId })).record?.isActive).to.equal(true)
    }
  })

  it("a change made elsewhere is seen within the bound, and not before it need be", async () => {
    await calls().storeChain({ chain: sampleChain("elsewhere") })
    await calls().getChain({ agentId: "elsewhere" })
    const changed = performance.now()
    await registry.sql`update trust_chains set status = 'suspended' where agent_id = 'elsewhere'`
    expect((await calls().getChain({ agentId: "elsewhere" })).record?.isActive).to.equal(true)
    await until("the suspension is seen", async () => {
      const answer = await calls()
        .getChain({ agentId: "elsewhere" })
        .catch(() => undefined)
      return answer === undefined
    })
    expect(performance.now() - changed).to.be.lessThan(2_300)
  })

  it("a chain expires by the clock, without a write, from memory too", async () => {
    const expiresAt = { seconds: BigInt(Math.floor(Date.now() / 1000) + 2), nanos: 0 }
    await calls().storeChain({ chain: sampleChain("brief"), expiresAt })
    const { record } = await calls().getChain({ agentId: "brief" })
    expect(record?.expiresAt?.seconds).to.equal(expiresAt.seconds)
    const reason = await until("it has expired", async () => {
      const answer = await calls()
        .getChain({ agentId: "brief" })
        .catch((error) => detailsOf(error).info?.reason)
      return typeof answer === "string" && answer
    })
    expect(reason).to.equal("TRUST_CHAIN_EXPIRED")
    expect(Date.now()).to.be.at.least(Number(expiresAt.seconds) * 1000)
    const shown = await calls().getChain({ agentId: "brief", includeInactive: true })
    expect(shown.record?.isActive).to.equal(true)
    expect((await calls().listChains({ filter: { agentIdPrefix: "brief" } })).chains).to.have.length(0)
    await calls().deleteChain({ agentId: "brief" })
    expect(await reasonOf(calls().restoreChain({ agentId: "brief" }))).to.equal("TRUST_CHAIN_EXPIRED")
  })

  it("one flight per missing key, and one query for many keys", async () => {
    const reads: string[] = []
    const read = async (agentId: string) => {
      reads.push(agentId)
      await new Promise((resolve) => setImmediate(resolve))
      return null
    }
    const cache = createCache<null>(10, 2_000, read, () => 0)
    await Promise.all(Array.from({ length: 50 }, () => cache.get("a")))
    await Promise.all([cache.get("a"), cache.get("b"), cache.get("b")])
    expect(reads).to.deep.equal(["a", "b"])
  })

  it("a read that began longer ago than the bound answers nobody who comes later", async () => {
    const answers: ((chain: null) => void)[] = []
    const cache = createCache<null>(
      10,
      20,
      () => new Promise((resolve) => answers.push(resolve)),
      () => 0,
    )
    const early = cache.get("a")
    await new Promise((resolve) => setTimeout(resolve, 40))
    const late = cache.get("a")
    expect(answers).to.have.length(2)
    for (const answer of answers) answer(null)
    await Promise.all([early, late])
  })

  it("a read that began before a write is not kept", async () => {
    const answers: ((chain: null) => void)[] = []
    const cache = createCache<null>(
      10,
      60_000,
      () => new Promise((resolve) => answers.push(resolve)),
      () => 0,
    )
    const before = cache.get("a")
    cache.invalidate(["a"])
    const after = cache.get("a")
    expect(answers).to.have.length(2)
    answers[0]?.(null)
    await before
    const joined = cache.get("a")
    answers[1]?.(null)
    await Promise.all([after, joined])
    expect(answers).to.have.length(2)
    expect(cache.get("a")).to.equal(null)
  })

  it("keeps no more than its bound, nothing large, and nothing at all when it is off", async () => {
    let reads = 0
    const cacheOf = (entries: number, bytes: number) => {
      const read = async () => {
        reads++
        return bytes
      }
      return createCache(entries, 60_000, read, (size) => size)
    }
    const readTwice = async (cache: ReturnType<typeof cacheOf>, keys: number) => {
      reads = 0
      for (let turn = 0; turn < 2; turn++) for (let key = 0; key < keys; key++) await cache.get(String(key))
      return reads
    }
    expect(await readTwice(cacheOf(10, 10), 5)).to.equal(5)
    expect(await readTwice(cacheOf(10, 10), 1_000)).to.equal(2_000)
    expect(await readTwice(cacheOf(10, 65_537), 5)).to.equal(10)
    expect(await readTwice(cacheOf(0, 10), 5)).to.equal(10)
  })
})
