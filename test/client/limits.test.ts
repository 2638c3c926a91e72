import { connect, type StoredChain, status, type TrustRegistry } from "@trust-registry/client"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { storedChainOf } from "../../client/chainEvent.js"
import { connectTo } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

const MIB = 1024 * 1024

describe("a registry whose limits were raised", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  let narrow: TrustRegistry
  before(async () => {
    server = await startRegistry({
      maxMessageBytes: 16 * MIB,
      maxChainBytes: 8 * MIB,
      databaseTimeoutMs: 20_000,
    })
    registry = connect(server.address, { timeoutMs: 30_000 })
    narrow = connect(server.address, { timeoutMs: 30_000, maxResponseBytes: 4 * MIB })
    const chains = ["a", "c", "d"].map((id) => ({ chain: sampleChain(id) }))
    chains.splice(1, 0, large("b", 5))
    for await (const { error } of registry.importChains(chains)) expect(error?.message).to.equal(undefined)
  })
  after(async () => {
    registry.close()
    narrow.close()
    await server.stop()
  })

  const large = (id: string, mib: number) => {
    const chain = sampleChain(id)
    return {
      chain: { ...chain, genesis: { ...chain.genesis, metadataJson: `{"note":"${"x".repeat(mib * MIB)}"}` } },
    }
  }

  /** Agents with what is known of their chains. */
  const told = (stored: readonly (StoredChain | undefined)[]) =>
    stored.map((one) => [
      one?.record?.agentId,
      one?.chain !== undefined,
      (one?.tooLargeBytes ?? 0n) > 5n * BigInt(MIB),
    ])
  const all = async <Item>(items: AsyncIterable<Item>, most = Number.POSITIVE_INFINITY) => {
    const found: Item[] = []
    for await (const item of items) if (found.push(item) >= most) break
    return found
  }
  const whole = ["a", "b", "c", "d"].map((id) => [id, true, false])
  const without = whole.map(([id]) => [id, id !== "b", id === "b"])

  it("takes large chains from the SDK, one by one too, and gives them back", async () => {
    expect((await registry.storeChain(large("b", 5))).created).to.equal(false)
    expect((await registry.getChain({ agentId: "b" })).chain?.genesis?.metadataJson).to.have.length(
      5 * MIB + 11,
    )
    const over = await registry.storeChain(large("e", 17)).catch((error) => error)
    expect(over).to.include({ code: status.RESOURCE_EXHAUSTED })
    expect(over.message).to.contain(`${16 * MIB}`)
  })

  for (const [name, by, expected] of [
    ["gives whole", () => registry, whole],
    ["reports as too large, to a caller who takes less,", () => narrow, without],
  ] as const)
    it(`${name} a large chain in lists, exports, watches, batches and history, and the rest goes on`, async () => {
      expect(told(await all(by().listChains()))).to.deep.equal(expected)
      expect(told(await all(by().exportChains()))).to.deep.equal(expected)
      const events = async (request: object) => {
        const agents = new Map<string, StoredChain | undefined>()
        for await (const event of by().watchChains(request)) {
          const stored = storedChainOf(event)
          agents.set(stored?.record?.agentId ?? "", stored)
          if (agents.size === 4) break
        }
        return told([...agents.values()]).sort()
      }
      expect(await events({ includeCurrent: true })).to.deep.equal(expected)
      expect(await events({ startRevision: 1n })).to.deep.equal(expected)
      const batch = await by().batchGetChains({ agentIds: ["a", "b", "c", "d"] })
      const rest =
        batch.remaining.length > 0 ? await by().batchGetChains({ agentIds: batch.remaining }) : undefined
      const found = [...batch.found, ...(rest?.found ?? [])].map(({ record }) => record?.agentId)
      expect(batch.tooLarge).to.deep.equal(by() === narrow ? ["b"] : [])
      expect(found).to.include.members(by() === narrow ? ["a", "c", "d"] : ["a", "b"])
      const revisions = await all(by().listChainRevisions({ agentId: "b" }))
      expect(told(revisions.map(({ stored }) => stored))[0]).to.deep.equal(expected[1])
    })

  it("reports it to callers of any kind that take gRPC's default", async () => {
    const line = connectTo(server.address)
    const { listChains, batchGetChains } = line.calls(TrustStoreService)
    const found: StoredChain[] = []
    let pageToken = ""
    do {
      const page = await listChains({ pageToken })
      found.push(...page.chains)
      pageToken = page.nextPageToken
    } while (pageToken !== "")
    expect(told(found)).to.deep.equal(without)
    expect((await batchGetChains({ agentIds: ["b"] })).tooLarge).to.deep.equal(["b"])
    line.close()
  })

  it("or lowered refuses what is too large as that item of an import", async () => {
    const low = await startRegistry({ maxMessageBytes: MIB, maxChainBytes: MIB / 2 })
    const lowered = connect(low.address, { timeoutMs: 30_000 })
    const chains = [{ chain: sampleChain("a") }, large("b", 2), { chain: sampleChain("c") }]
    const results = await all(lowered.importChains(chains))
    expect(results.map(({ error }) => error?.code)).to.deep.equal([
      undefined,
      status.RESOURCE_EXHAUSTED,
      undefined,
    ])
    lowered.close()
    await low.stop()
  })
}).timeout(120_000)
