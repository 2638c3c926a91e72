import { status as Code } from "@grpc/grpc-js"
import { isoFromMicros } from "@trust-registry/eatp"
import {
  ChainOperation,
  type ChainRevision,
  ChainStatus,
  ChainView,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf, failureOf } from "../support/calls.js"
import { trustRegistry } from "../support/commandLine.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"
import { withRegistry, withRegistryForEach } from "../support/withRegistry.js"

describe("history of a chain", () => {
  const { registry, line } = withRegistry()
  const calls = () => line.calls(TrustStoreService)

  const purposeful = (agentId: string, metadataJson: string) => ({
    genesis: { ...sampleChain(agentId).genesis, metadataJson },
  })
  const purposeOf = ({ stored }: ChainRevision) => stored?.chain?.genesis?.metadataJson

  it("lists who changed what and when, newest first", async () => {
    const agentId = "told"
    const requestId = "5f0c8e2a-36b5-4f5c-9a0e-6f7c1b1c0001"
    await calls().storeChain({ chain: purposeful(agentId, '{"n":1}'), requestId })
    await calls().updateChain({ agentId, chain: purposeful(agentId, '{"n":2}') })
    await calls().deleteChain({ agentId })
    await registry.sql`update trust_chains set status = 'active' where agent_id = ${agentId}`
    const { revisions, nextPageToken, oldestRevision } = await calls().listChainRevisions({ agentId })
    expect(revisions.map(({ operation }) => operation)).to.deep.equal([
      ChainOperation.RESTORED,
      ChainOperation.DELETED,
      ChainOperation.UPDATED,
      ChainOperation.CREATED,
    ])
    expect(revisions.map(purposeOf)).to.deep.equal(['{"n":2}', '{"n":2}', '{"n":2}', '{"n":1}'])
    expect(revisions[0]?.stored?.record?.updatedBy).to.match(/^postgres:/)
    expect(revisions[1]?.stored?.record).to.include({ status: ChainStatus.DELETED })
    expect(revisions[3]).to.include({ requestId })
    const numbers = revisions.map(({ stored }) => stored?.record?.revision ?? 0n)
    expect(numbers).to.deep.equal([...numbers].sort((a, b) => Number(b - a)))
    expect([nextPageToken, oldestRevision]).to.deep.equal(["", 1n])
  })

  it("keeps the records of a purged chain, without its documents", async () => {
    const agentId = "gone"
    await calls().storeChain({ chain: sampleChain(agentId) })
    await calls().purgeChain({ agentId })
    const { revisions } = await calls().listChainRevisions({ agentId })
    for (const { stored } of revisions) expect(stored).to.include({ unreadable: false })
    expect(revisions.map(({ operation, stored }) => [operation, stored?.chain])).to.deep.equal([
      [ChainOperation.PURGED, undefined],
      [ChainOperation.CREATED, undefined],
    ])
  })

  it("ends pages at their size or at 3 MiB", async () => {
    const agentId = "paged"
    const large = (n: number) => purposeful(agentId, `{"n":${n},"text":"${"x".repeat(700_000)}"}`)
    for (let n = 1; n <= 7; n++) await calls().storeChain({ chain: large(n) })
    const sizes = async (request: object) => {
      const pages: number[] = []
      const seen: bigint[] = []
      let pageToken = ""
      do {
        const page = await calls().listChainRevisions({ agentId, pageToken, ...request })
        pages.push(page.revisions.length)
        seen.push(...page.revisions.map(({ stored }) => stored?.record?.revision ?? 0n))
        pageToken = page.nextPageToken
      } while (pageToken !== "")
      expect(new Set(seen).size).to.equal(7)
      return pages
    }
    expect(await sizes({})).to.deep.equal([4, 3])
    expect(await sizes({ pageSize: 3 })).to.deep.equal([3, 3, 1])
    expect(await sizes({ view: ChainView.RECORD })).to.deep.equal([7])
    const { nextPageToken: pageToken } = await calls().listChainRevisions({ agentId, pageSize: 1 })
    const other = await failureOf(calls().listChainRevisions({ agentId: "told", pageToken }))
    expect(detailsOf(other).info?.reason).to.equal("INVALID_REQUEST")
  })

  it("exists only for agents that were stored", async () => {
    const error = await failureOf(calls().listChainRevisions({ agentId: "nobody" }))
    expect([error.code, detailsOf(error).info?.reason]).to.deep.equal([
      Code.NOT_FOUND,
      "TRUST_CHAIN_NOT_FOUND",
    ])
    const wrong = await failureOf(calls().listChainRevisions({ agentId: "told", pageSize: -1 }))
    expect(detailsOf(wrong).badRequest?.fieldViolations[0]?.field).to.equal("page_size")
  })

  it("returns only the record of a document that does not parse", async () => {
    const agentId = "torn"
    await calls().storeChain({ chain: sampleChain(agentId) })
    await registry.sql`update trust_chains set chain_data = '{"unknown":1}' where agent_id = ${agentId}`
    const { revisions } = await calls().listChainRevisions({ agentId })
    expect(revisions.map(({ stored }) => [stored?.unreadable, stored?.chain !== undefined])).to.deep.equal([
      [true, false],
      [false, true],
    ])
  })
})

describe("history retention", () => {
  const { registry, line } = withRegistryForEach({ historyRetentionMs: 1_000 })
  const calls = () => line.calls(TrustStoreService)

  const revisionsOf = async (agentId: string) =>
    (await calls().listChainRevisions({ agentId })).revisions.map(
      ({ stored }) => stored?.record?.revision ?? 0n,
    )

  it("removes replaced changes, and keeps the newest change of every agent, even a deleted one", async () => {
    const stored = ["kept", "gone", "deleted"]
    for (const agentId of [...stored, ...stored]) await calls().storeChain({ chain: sampleChain(agentId) })
    await calls().purgeChain({ agentId: "gone" })
    await calls().deleteChain({ agentId: "deleted" })
    const { record: last } = await calls().storeChain({ chain: sampleChain("later") })
    const newest = new Map<string, bigint>()
    for (const agentId of stored) newest.set(agentId, (await revisionsOf(agentId))[0] ?? 0n)
    await until("the history is compacted", async () => {
      const page = await calls().listChainRevisions({ agentId: "kept" })
      return page.oldestRevision === last?.revision
    })
    for (const agentId of stored) expect(await revisionsOf(agentId)).to.deep.equal([newest.get(agentId)])
    expect((await calls().getChain({ agentId: "kept" })).stored?.record?.revision).to.equal(
      newest.get("kept"),
    )
    expect((await calls().verifyChainIntegrity({ agentId: "kept" })).verified).to.equal(true)
  })

  it("removes the request_id of a change with the change", async () => {
    const request = { chain: sampleChain("again"), requestId: "5f0c8e2a-36b5-4f5c-9a0e-6f7c1b1c0002" }
    const { record: first } = await calls().storeChain(request)
    expect((await calls().storeChain(request)).record).to.deep.equal(first)
    await calls().storeChain({ chain: sampleChain("again") })
    await calls().storeChain({ chain: sampleChain("later") })
    const late = await until("it is done anew", async () => {
      const { record } = await calls().storeChain(request)
      return record?.revision !== first?.revision && record
    })
    expect((await calls().getChain({ agentId: "again" })).stored?.record).to.deep.equal(late)
  })

  it("is shown by the command line, with a note only if changes of that agent are missing", async () => {
    const history = (...args: string[]) => trustRegistry(["history", ...args], { address: registry.address })
    await calls().storeChain({ chain: sampleChain("cut") })
    await calls().storeChain({ chain: sampleChain("whole") })
    await calls().storeChain({ chain: sampleChain("cut") })
    const { record: last } = await calls().storeChain({ chain: sampleChain("later") })
    await until("the history is compacted", async () => {
      const page = await calls().listChainRevisions({ agentId: "cut" })
      return page.oldestRevision === last?.revision && page.revisions.length === 1
    })
    const told = /^changes before revision \d+ are no longer kept\n$/
    expect((await history("cut")).err).to.match(told)
    expect((await history("whole")).err).to.equal("")
    const gone = await trustRegistry(["get", "cut", "--at-revision", "1"], { address: registry.address })
    expect(gone.code).to.equal(3)
    expect(gone.err).to.contain(`it reaches back to revision ${last?.revision}, and 1 is before it`)
  })

  it("names the requested time and the oldest one when a past time is no longer kept", async () => {
    const { record: first } = await calls().storeChain({ chain: sampleChain("one") })
    await calls().storeChain({ chain: sampleChain("one") })
    const { record: last } = await calls().storeChain({ chain: sampleChain("later") })
    await until("the history is compacted", async () => {
      const page = await calls().listChainRevisions({ agentId: "one" })
      return page.oldestRevision === last?.revision && page.revisions.length === 1
    })
    const { checkAuthority } = line.calls(TrustVerificationService)
    const validAt = first?.updatedAt
    const asked = { agentId: "one", authorityId: "org-acme", permission: "read" }
    const error = await failureOf(checkAuthority({ ...asked, ...(validAt ? { validAt } : {}) }))
    const { info } = detailsOf(error)
    expect(info?.reason).to.equal("REVISION_COMPACTED")
    const at = (moment: typeof validAt) =>
      moment && isoFromMicros(moment.seconds * 1_000_000n + BigInt(moment.nanos / 1000))
    expect(error.details).to.contain(`it reaches back to ${at(last?.updatedAt)} (revision ${last?.revision})`)
    expect(error.details).to.contain(`and ${at(validAt)} is before it`)
  })

  it("keeps every change from oldest_revision on, and the one before it", async () => {
    const { record: first } = await calls().storeChain({ chain: sampleChain("one") })
    await calls().storeChain({ chain: sampleChain("two") })
    const history = () => registry.sql`select oldest_revision from trust_history`
    await until("the first two are old", async () => (await history())[0]?.oldest_revision === "2")
    await calls().storeChain({ chain: sampleChain("one") })
    expect(await revisionsOf("one")).to.deep.equal([3n, first?.revision])
  })

  it("refuses reads at compacted revisions, and names the oldest readable one", async () => {
    await calls().storeChain({ chain: sampleChain("one") })
    await calls().storeChain({ chain: sampleChain("one") })
    await calls().storeChain({ chain: sampleChain("two") })
    const at = (agentId: string, value: bigint) =>
      calls().getChain({ agentId, consistency: { requirement: { case: "atRevision", value } } })
    expect((await at("one", 1n)).stored?.record?.revision).to.equal(1n)
    const error = await until("the first is too old", () => failureOf(at("one", 1n)))
    expect([error.code, detailsOf(error).info?.reason]).to.deep.equal([
      Code.OUT_OF_RANGE,
      "REVISION_COMPACTED",
    ])
    await until("the history reaches back to the last", async () => {
      const refused = await failureOf(at("one", 2n))
      return detailsOf(refused).info?.metadata.oldest_revision === "3"
    })
    expect((await at("one", 3n)).stored?.record?.revision).to.equal(2n)
  })

  it("blocks no writer, and skips what a writer has locked", async () => {
    await calls().storeChain({ chain: sampleChain("held") })
    await calls().storeChain({ chain: sampleChain("held") })
    await registry.sql.begin(async (sql) => {
      await sql`select from trust_chain_revisions where agent_id = 'held' for update`
      const { record: last } = await calls().storeChain({ chain: sampleChain("free") })
      await until("the history is compacted around it", async () => {
        const page = await calls().listChainRevisions({ agentId: "free" })
        return page.oldestRevision === last?.revision
      })
      expect(await revisionsOf("held")).to.have.lengthOf(2)
    })
    await calls().storeChain({ chain: sampleChain("held") })
    await calls().storeChain({ chain: sampleChain("free") })
    await until("a later step removed them", async () => (await revisionsOf("held")).length === 1)
  })
})
