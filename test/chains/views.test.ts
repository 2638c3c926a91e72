import { ChainOperation, ChainView, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { seen } from "../support/events.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("the view of chains", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
    for (const agentId of ["sound", "torn", "gone"]) await calls().storeChain({ chain: sampleChain(agentId) })
    await calls().deleteChain({ agentId: "gone" })
    await registry.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'torn'`
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  type Stored = { record?: { agentId: string } | undefined; chain?: unknown; unreadable: boolean }
  const flagsOf = (chains: readonly (Stored | undefined)[]) =>
    chains.map((one) => [one?.record?.agentId, one?.chain !== undefined, one?.unreadable].join(" "))

  it("is FULL by default: in lists, histories and watches", async () => {
    for (const view of [ChainView.UNSPECIFIED, ChainView.FULL]) {
      const { chains } = await calls().listChains({ view })
      expect(flagsOf(chains)).to.deep.equal(["sound true false", "torn false true"])
      const { revisions } = await calls().listChainRevisions({ agentId: "torn", view })
      expect(flagsOf(revisions.map(({ stored }) => stored))).to.deep.equal([
        "torn false true",
        "torn true false",
      ])
      for (const request of [{ startRevision: 1n }, { includeCurrent: true }])
        expect(await watched({ ...request, view })).to.include.members([
          "sound true false",
          "torn false true",
        ])
    }
  })

  it("returns only records if RECORD, and parses no documents", async () => {
    const view = ChainView.RECORD
    const filter = { includeInactive: true }
    const { chains } = await calls().listChains({ view, filter })
    expect(flagsOf(chains)).to.deep.equal(["gone false false", "sound false false", "torn false false"])
    const full = await calls().listChains({ filter })
    expect(chains.map(({ record }) => record)).to.deep.equal(full.chains.map(({ record }) => record))
    const { revisions } = await calls().listChainRevisions({ agentId: "torn", view })
    expect(flagsOf(revisions.map(({ stored }) => stored))).to.deep.equal([
      "torn false false",
      "torn false false",
    ])
    expect(revisions.map(({ operation }) => operation)).to.deep.equal([
      ChainOperation.UPDATED,
      ChainOperation.CREATED,
    ])
    for (const request of [{ startRevision: 1n }, { includeCurrent: true }]) {
      const told = await watched({ ...request, view, filter })
      expect(told).to.include.members(["gone false false", "sound false false", "torn false false"])
      expect(told.filter((one) => one.includes("true"))).to.deep.equal([])
    }
  })

  it("still filters by document if RECORD", async () => {
    const filter = { metadataContainsJson: '{"team":"red"}' }
    const metadataJson = '{"team":"red"}'
    const { genesis } = sampleChain("red")
    await calls().storeChain({ chain: { genesis: { ...genesis, metadataJson } } })
    const { chains } = await calls().listChains({ view: ChainView.RECORD, filter })
    expect(flagsOf(chains)).to.deep.equal(["red false false"])
    expect(await watched({ startRevision: 1n, view: ChainView.RECORD, filter })).to.deep.equal([
      "red false false",
    ])
    await calls().purgeChain({ agentId: "red" })
  })

  it("fits 1,000 records on a page that holds only a few documents", async () => {
    const large = `{"text":"${"x".repeat(500_000)}"}`
    for (let i = 0; i < 10; i++) {
      const { genesis } = sampleChain(`large-${i}`)
      await calls().storeChain({ chain: { genesis: { ...genesis, metadataJson: large } } })
    }
    const filter = { agentIdPrefix: "large-" }
    const full = await calls().listChains({ filter })
    expect(full.chains.length).to.be.below(10)
    expect(full.nextPageToken).to.not.equal("")
    const records = await calls().listChains({ filter, view: ChainView.RECORD })
    expect([records.chains.length, records.nextPageToken]).to.deep.equal([10, ""])
  })

  it("is refused if its number is unknown", async () => {
    const view = 9 as ChainView
    for (const call of [
      calls().listChains({ view }),
      calls().listChainRevisions({ agentId: "sound", view }),
      watched({ view }),
    ]) {
      const { info, badRequest } = detailsOf(await failureOf(call))
      expect(info?.reason).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map(({ field }) => field)).to.deep.equal(["view"])
    }
  })

  async function watched(request: Parameters<ReturnType<typeof calls>["watchChains"]>[0]) {
    const found: ReturnType<typeof seen>[] = []
    for await (const { events, caughtUp } of calls().watchChains(request)) {
      found.push(...events.map(seen))
      if (caughtUp) break
    }
    return flagsOf(found)
  }
})
