import { randomUUID } from "node:crypto"
import {
  type ChainToImport,
  connect,
  type ImportedChain,
  InvalidRequestError,
  RevisionConflictError,
  status,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  TrustChainRevokedError,
  type TrustRegistry,
  TrustStoreError,
} from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { Status, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

describe("the client's bulk methods", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  before(async () => {
    server = await startRegistry()
    registry = connectSdk(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  const many = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, i): ChainToImport => ({ chain: sampleChain(`${prefix}-${i}`) }))

  it("get and store batches, with typed errors in place", async () => {
    const results = await registry.batchStoreChains({
      requests: [
        { chain: sampleChain("batch-1") },
        { chain: { genesis: { ...sampleChain("x").genesis, createdAt: "yesterday" } } },
        { chain: sampleChain("batch-2"), expectedRevision: 7n },
      ],
    })
    expect(results[0]?.stored).to.include({ created: true })
    const invalid = results[1]?.error as TrustChainInvalidError
    expect(invalid).to.be.instanceOf(TrustChainInvalidError)
    expect(invalid.violations[0]?.field).to.equal("requests[1].chain.genesis.created_at")
    const conflict = results[2]?.error as RevisionConflictError
    expect(conflict).to.be.instanceOf(RevisionConflictError)
    expect(conflict).to.include({ expected: 7n, revision: 0n, agentId: "batch-2" })
    const { found, missing } = await registry.batchGetChains({ agentIds: ["batch-1", "batch-2"] })
    expect(found.map(({ record }) => record?.agentId)).to.deep.equal(["batch-1"])
    expect(missing).to.deep.equal(["batch-2"])
  })

  it("delete and purge batches, with typed errors in place, and apply a retry once", async () => {
    await registry.batchStoreChains({
      requests: ["d-1", "d-2", "d-3"].map((id) => ({ chain: sampleChain(id) })),
    })
    await registry.revokeAgent({ agentId: "d-2" })
    const agentIds = ["d-1", "nobody", "d-2", "d-3"]
    const results = await registry.batchDeleteChains({ agentIds })
    expect(results.map(({ record }) => record?.agentId)).to.deep.equal(["d-1", undefined, undefined, "d-3"])
    expect(results[1]?.error).to.be.instanceOf(TrustChainNotFoundError).and.include({
      agentId: "nobody",
      reason: "TRUST_CHAIN_NOT_FOUND",
      code: status.NOT_FOUND,
    })
    expect(results[2]?.error).to.be.instanceOf(TrustChainRevokedError).and.include({ agentId: "d-2" })
    expect(results[1]?.error?.details.map(({ $typeName }) => $typeName)).to.deep.equal([
      "google.rpc.ErrorInfo",
      "google.rpc.ResourceInfo",
    ])
    const requestId = randomUUID()
    const request = { agentIds: ["d-1", "d-3"], purge: true, atomic: true, requestId }
    const purged = await registry.batchDeleteChains(request)
    expect(purged.map(({ record }) => record?.agentId)).to.deep.equal(["d-1", "d-3"])
    expect(await registry.batchDeleteChains(request)).to.deep.equal(purged)
    const { count } = await registry.countChains({ filter: { agentIdPrefix: "d-", includeInactive: true } })
    expect(count).to.equal(1n)
    const again = await registry.batchDeleteChains({ agentIds: ["d-1", "d-3"] })
    expect(again.every(({ error }) => error instanceof TrustChainNotFoundError)).to.equal(true)
    const many = Array.from({ length: 1_001 }, (_, i) => `m-${i}`)
    const refused = await registry.batchDeleteChains({ agentIds: many }).catch((error) => error)
    expect(refused).to.be.instanceOf(InvalidRequestError)
  })

  it("import in order, and refuse unsendable chains locally without ending the stream", async () => {
    const chains = many(3_000, "import")
    chains[5] = { chain: { genesis: { ...sampleChain("surrogate").genesis, authorityId: "\ud800" } } }
    chains[6] = {
      chain: { genesis: { ...sampleChain("large").genesis, metadataJson: `"${"x".repeat(5_000_000)}"` } },
    }
    chains[7] = {}
    const results: ImportedChain[] = []
    for await (const result of registry.importChains(chains)) results.push(result)
    expect(results.map(({ index }) => index)).to.deep.equal(chains.map((_, index) => index))
    const refused = results.filter(({ error }) => error)
    expect(
      refused.map(({ index, error }) => [index, error?.reason ?? status[error?.code ?? 0]]),
    ).to.deep.equal([
      [5, "TRUST_CHAIN_INVALID"],
      [6, "RESOURCE_EXHAUSTED"],
      [7, "TRUST_CHAIN_INVALID"],
    ])
    expect(results.at(-1)?.stored?.record?.agentId).to.equal("import-2999")
  })

  it("pull chains only while results are consumed, and stop when they no longer are", async () => {
    let given = 0
    let ended = false
    async function* endless() {
      try {
        for (; ; given++) yield { chain: sampleChain(`endless-${given}`) }
      } finally {
        ended = true
      }
    }
    for await (const { index } of registry.importChains(endless())) {
      if (index === 0) await until("it is held back", () => given >= 2_000)
      expect(given - index).to.be.below(2_010)
      if (index === 2_500) break
    }
    await until("the source has ended", () => ended)
  })

  it("open no connection for an empty import, and end with the signal's reason or the source's error", async () => {
    const nobody = connect("127.0.0.1:1")
    const results: ImportedChain[] = []
    for await (const result of nobody.importChains([])) results.push(result)
    expect(results).to.deep.equal([])
    nobody.close()
    const stop = new AbortController()
    async function* idle() {
      yield { chain: sampleChain("idle") }
      stop.abort(new RangeError("enough"))
      await new Promise(() => {})
    }
    expect(await outcomeOf(registry.importChains(idle(), { signal: stop.signal }))).to.match(
      /RangeError: enough/,
    )
    async function* failing() {
      yield { chain: sampleChain("failing") }
      throw new SyntaxError("no chain")
    }
    expect(await outcomeOf(registry.importChains(failing()))).to.match(/SyntaxError: no chain/)
  })

  it("throw what ended an import, after the results before it, and apply each chain once when retried", async () => {
    const chains = many(50, "again").map((chain) => ({ ...chain, requestId: randomUUID() }))
    const failing = await startTrustStore({
      async *importChains(requests) {
        for await (const { request } of requests) {
          if (request?.chain?.genesis?.agentId === "again-20") throw new Status(status.UNAVAILABLE, "gone")
          yield { result: { result: { case: "stored", value: { created: true } } } }
        }
      },
    })
    const other = connectSdk(failing.address, { timeoutMs: 300 })
    let answered = 0
    try {
      for await (const _ of other.importChains(chains)) answered++
      expect.fail("it did not end")
    } catch (error) {
      expect(error).to.be.instanceOf(TrustStoreError).and.include({ code: status.UNAVAILABLE })
    }
    other.close()
    failing.stop()
    expect(answered).to.equal(20)
    const take = async () => {
      const results: ImportedChain[] = []
      for await (const result of registry.importChains(chains)) results.push(result)
      return results
    }
    expect(await take()).to.deep.equal(await take())
  })

  it("update the near-cache with their own writes, by batch or by import", async () => {
    const cached = connectSdk(server.address, { cache: { maxEntries: 10 } })
    const version = (n: number) => ({
      chain: { genesis: { ...sampleChain("cached").genesis, metadataJson: `{"version":${n}}` } },
    })
    const seen = async () => (await cached.getChain({ agentId: "cached" })).chain?.genesis?.metadataJson
    await cached.storeChain(version(0))
    const gone = async () => (await cached.getChain({ agentId: "cached" }).catch((error) => error)) as unknown
    for (const purge of [false, true]) {
      const [result] = await cached.batchDeleteChains({ agentIds: ["cached"], purge })
      expect(result?.error).to.equal(undefined)
      expect(await gone()).to.be.instanceOf(TrustChainNotFoundError)
    }
    await cached.storeChain(version(0))
    for (let n = 1; n < 20; n++) {
      if (n % 2) await cached.batchStoreChains({ requests: [version(n)] })
      else for await (const { error } of cached.importChains([version(n)])) expect(error).to.equal(undefined)
      expect(await seen()).to.equal(`{"version":${n}}`)
    }
    cached.close()
  })

  it("export with the snapshot's revision, and resume after an agent", async () => {
    await registry.batchStoreChains({ requests: many(30, "export") as never })
    const filter = { agentIdPrefix: "export-" }
    const all = registry.exportChains({ filter })
    expect(all.snapshotRevision).to.equal(undefined)
    const ids: string[] = []
    for await (const { chain, record } of all) {
      expect(chain?.genesis?.agentId).to.equal(record?.agentId)
      ids.push(record?.agentId ?? "")
    }
    expect(ids).to.have.length(30)
    const { snapshotRevision } = all
    expect(snapshotRevision).to.be.a("bigint")
    await registry.deleteChain({ agentId: ids[25] as string })
    const rest: string[] = []
    const request = { filter, afterAgentId: ids[9] as string, snapshotRevision: snapshotRevision as bigint }
    for await (const { record } of registry.exportChains(request)) rest.push(record?.agentId ?? "")
    expect(rest).to.deep.equal(ids.slice(10))
  })
})

async function outcomeOf(results: AsyncIterable<unknown>): Promise<string> {
  try {
    for await (const _ of results);
    return "ended"
  } catch (error) {
    return String(error)
  }
}
