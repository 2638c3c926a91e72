import { ChainStatus, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { type Cache, type CacheOptions, createCache } from "../../server/dist/store/cache/cache.js"
import { detailsOf, failureOf } from "../support/calls.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"
import { withRegistry } from "../support/withRegistry.js"

describe("the cache", () => {
  const { line } = withRegistry()
  const calls = () => line.calls(TrustStoreService)
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason

  it("reflects own writes at once, after reads of an older state or of a missing chain", async () => {
    for (let round = 0; round < 30; round++) {
      const agentId = `own-${round}`
      expect(await reasonOf(calls().getChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
      await calls().storeChain({ chain: sampleChain(agentId) })
      const reads = Array.from({ length: 5 }, () => calls().getChain({ agentId }))
      const chain = { ...sampleChain(agentId), capabilities: [capability("x")] }
      const [stored] = await Promise.all([calls().storeChain({ chain }), ...reads])
      const { record } = (await calls().getChain({ agentId })).stored ?? {}
      expect(record?.revision).to.equal(stored.record?.revision)
      await calls().deleteChain({ agentId })
      expect(await reasonOf(calls().getChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
      await calls().restoreChain({ agentId })
      const again = await calls().getChain({ agentId })
      expect(again.stored?.record?.status).to.equal(ChainStatus.ACTIVE)
    }
  })

  it("expires a chain by the clock, even from memory, without a write", async () => {
    const expiresAt = { seconds: BigInt(Math.ceil((Date.now() + scaled(1_000)) / 1000)), nanos: 0 }
    await calls().storeChain({ chain: sampleChain("brief"), expiresAt })
    const { record } = (await calls().getChain({ agentId: "brief" })).stored ?? {}
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
    expect(shown.stored?.record?.status).to.equal(ChainStatus.ACTIVE)
    expect((await calls().listChains({ filter: { agentIdPrefix: "brief" } })).chains).to.have.length(0)
    await calls().deleteChain({ agentId: "brief" })
    expect(await reasonOf(calls().restoreChain({ agentId: "brief" }))).to.equal("TRUST_CHAIN_EXPIRED")
  })

  it("reads each missing key once, and many keys in one query", async () => {
    const reads: string[] = []
    const read = async (agentId: string) => {
      reads.push(agentId)
      await new Promise((resolve) => setImmediate(resolve))
      return null
    }
    const cache = cacheOf({ read })
    await Promise.all(Array.from({ length: 50 }, () => cache.get("a")))
    await Promise.all([cache.get("a"), cache.get("b"), cache.get("b")])
    expect(reads).to.deep.equal(["a", "b"])
  })

  it("shares no read that began longer ago than the cache's maximum age", async () => {
    const { reads, read } = heldReads()
    const cache = cacheOf({ maxAgeMs: 20, read })
    const early = cache.get("a")
    await new Promise((resolve) => setTimeout(resolve, 40))
    const late = cache.get("a")
    expect(reads).to.have.length(2)
    for (const answer of reads) answer(null)
    await Promise.all([early, late])
  })

  const forgotten: [string, (cache: Cache<Item>) => void][] = [
    ["a write", (cache) => cache.invalidate(["a"])],
    ["a reported change", (cache) => cache.changed("a", 7n)],
    ["a reset", (cache) => cache.clear()],
  ]
  for (const [what, forget] of forgotten)
    it(`does not keep a read that began before ${what}`, async () => {
      const { reads, read } = heldReads()
      const cache = cacheOf({ read })
      const before = cache.get("a")
      forget(cache)
      const after = cache.get("a")
      expect(reads).to.have.length(2)
      reads[0]?.(item(6n))
      expect(await before).to.deep.equal(item(6n))
      const joined = cache.get("a")
      expect(joined, "the old value is not in memory").to.be.instanceOf(Promise)
      reads[1]?.(item(7n))
      expect(await Promise.all([after, joined])).to.deep.equal([item(7n), item(7n)])
      expect(reads).to.have.length(2)
      expect(cache.get("a")).to.deep.equal(item(7n))
    })

  it("drops older entries when a change is reported, and keeps what that change produced", async () => {
    const { reads, read } = heldReads()
    const cache = cacheOf({ read })
    const first = cache.get("a")
    reads[0]?.(item(7n))
    await first
    cache.changed("a", 7n)
    expect(cache.get("a")).to.deep.equal(item(7n))
    cache.changed("a", 8n)
    expect(cache.get("a")).to.be.instanceOf(Promise)
    reads[1]?.(null)
    await new Promise((resolve) => setImmediate(resolve))
    expect(cache.get("a")).to.equal(null)
    cache.changed("a", 9n)
    expect(cache.get("a")).to.be.instanceOf(Promise)
  })

  it("serves nothing from memory while the feed is too old, and all of it again afterwards", async () => {
    let reads = 0
    const read = async () => item(BigInt(++reads))
    const feed = { freshUntil: Number.POSITIVE_INFINITY }
    const cache = cacheOf({ feed, read })
    await cache.get("a")
    feed.freshUntil = performance.now()
    expect(await cache.get("a")).to.deep.equal(item(2n))
    expect(await cache.get("a")).to.deep.equal(item(3n))
    feed.freshUntil = Number.POSITIVE_INFINITY
    expect(cache.get("a")).to.deep.equal(item(3n))
  })

  it("keeps no more than its limit, no large chains, and nothing when turned off", async () => {
    let reads = 0
    const sized = (entries: number, bytes: number) => {
      const read = async () => {
        reads++
        return item(1n)
      }
      return cacheOf({ entries, read, bytesOf: () => bytes })
    }
    const readTwice = async (cache: Cache<Item>, keys: number) => {
      reads = 0
      for (let turn = 0; turn < 2; turn++) for (let key = 0; key < keys; key++) await cache.get(String(key))
      return reads
    }
    expect(await readTwice(sized(10, 10), 5)).to.equal(5)
    expect(await readTwice(sized(10, 10), 1_000)).to.equal(2_000)
    expect(await readTwice(sized(10, 65_537), 5)).to.equal(10)
    expect(await readTwice(sized(0, 10), 5)).to.equal(10)
  })
})

type Item = { revision: bigint }

const item = (revision: bigint): Item => ({ revision })

/** A cache over a feed that is always fresh, but for `changes`. */
function cacheOf(changes: Pick<CacheOptions<Item>, "read"> & Partial<CacheOptions<Item>>) {
  const feed = { freshUntil: Number.POSITIVE_INFINITY }
  return createCache<Item>({ entries: 10, maxAgeMs: 60_000, feed, bytesOf: () => 0, ...changes })
}

/** Reads that are answered by hand, in any order. */
function heldReads() {
  const reads: ((found: Item | null) => void)[] = []
  const read = () => new Promise<Item | null>((resolve) => reads.push(resolve))
  return { reads, read }
}
