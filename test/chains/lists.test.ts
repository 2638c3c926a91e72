import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  CapabilityType,
  type ChainFilterSchema,
  type ListChainsRequestSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

type Filter = MessageInitShape<typeof ChainFilterSchema>

describe("lists and counts", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
    const { storeChain, deleteChain } = calls()
    const soon = { seconds: BigInt(Math.floor(Date.now() / 1000) + 3_600), nanos: 0 }
    await Promise.all([
      ...["a-1", "a-2", "ä-3", "b-4", "\u{10ffff}-5", "\u{ffff}-6"].map((id) =>
        storeChain({ chain: sampleChain(id) }),
      ),
      storeChain({ chain: authority("beta-1", "org-beta"), expiresAt: soon }),
      storeChain({ chain: authority("beta-2", "org-beta") }),
      storeChain({
        chain: {
          ...metadata("meta-1", '{"department":"support","limits":{"rpm":10},"tiny":1e-400000}'),
          capabilities: [
            capability("read"),
            capability("write", { capabilityType: CapabilityType.DELEGATION }),
          ],
        },
      }),
      storeChain({ chain: metadata("meta-2", '{"department":"support","limits":{"rpm":1.0e1,"x":null}}') }),
      storeChain({
        chain: { ...sampleChain("del-1"), delegations: [delegation("del-1", { delegatorId: "boss" })] },
      }),
      storeChain({ chain: sampleChain("gone-1") }),
    ])
    await deleteChain({ agentId: "gone-1" })
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const calls = () => line.calls(TrustStoreService)
  const authority = (id: string, authorityId: string) => ({
    genesis: { ...sampleChain(id).genesis, authorityId },
  })
  const metadata = (id: string, metadataJson: string) => ({
    genesis: { ...sampleChain(id).genesis, metadataJson },
  })
  const list = (request: MessageInitShape<typeof ListChainsRequestSchema>) => calls().listChains(request)

  async function idsOf(filter: Filter) {
    const { chains } = await list({ filter, pageSize: 1000 })
    const ids = chains.map(({ record }) => record?.agentId ?? "")
    expect(await calls().countChains({ filter })).to.include({ count: BigInt(ids.length) })
    return ids
  }

  it("apply each filter, and all filters together", async () => {
    expect(await idsOf({ authorityId: "org-beta" })).to.deep.equal(["beta-1", "beta-2"])
    expect(await idsOf({ agentIdPrefix: "a-" })).to.deep.equal(["a-1", "a-2"])
    expect(await idsOf({ agentIdPrefix: "ä" })).to.deep.equal(["ä-3"])
    expect(await idsOf({ agentIdPrefix: "\u{10ffff}" })).to.deep.equal(["\u{10ffff}-5"])
    expect(await idsOf({ agentIdPrefix: "\u{ffff}" })).to.deep.equal(["\u{ffff}-6"])
    expect(await idsOf({ agentIdPrefix: "%" })).to.deep.equal([])
    expect(await idsOf({ capability: "read" })).to.deep.equal(["meta-1"])
    expect(await idsOf({ capability: "rea" })).to.deep.equal([])
    expect(await idsOf({ capabilityType: CapabilityType.DELEGATION })).to.deep.equal(["meta-1"])
    expect(await idsOf({ delegatorId: "boss" })).to.deep.equal(["del-1"])
    expect(await idsOf({ metadataContainsJson: '{"limits":{"rpm":10}}' })).to.deep.equal(["meta-2"])
    expect(await idsOf({ metadataContainsJson: '{"department":"support"}' })).to.deep.equal(["meta-2"])
    expect(await idsOf({ capability: "read", capabilityType: CapabilityType.ACTION })).to.deep.equal([
      "meta-1",
    ])
    expect(await idsOf({ capability: "read", authorityId: "org-beta" })).to.deep.equal([])
  })

  it("leave out inactive and expired chains by default", async () => {
    expect(await idsOf({ agentIdPrefix: "gone" })).to.deep.equal([])
    expect(await idsOf({ agentIdPrefix: "gone", includeInactive: false })).to.deep.equal([])
    expect(await idsOf({ agentIdPrefix: "gone", includeInactive: true })).to.deep.equal(["gone-1"])
    await registry.sql`update trust_chains set expires_at = now() - interval '1 second' where agent_id = 'a-1'`
    expect(await idsOf({ agentIdPrefix: "a-" })).to.deep.equal(["a-2"])
    expect(await idsOf({ agentIdPrefix: "a-", includeInactive: true })).to.deep.equal(["a-1", "a-2"])
    const expiresBefore = { seconds: BigInt(Math.floor(Date.now() / 1000) + 7_200), nanos: 0 }
    expect(await idsOf({ expiresBefore })).to.deep.equal(["beta-1"])
    expect(await idsOf({ expiresBefore, includeInactive: true })).to.deep.equal(["a-1", "beta-1"])
    await registry.sql`update trust_chains set expires_at = null where agent_id = 'a-1'`
  })

  it("are in the order of UTF-8 bytes, with each chain on one page", async () => {
    const all = await idsOf({ includeInactive: true })
    expect(all).to.deep.equal([...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    for (const pageSize of [1, 2, 3, 5, 100]) {
      const seen: string[] = []
      let pageToken = ""
      do {
        const page = await list({ filter: { includeInactive: true }, pageSize, pageToken })
        seen.push(...page.chains.map(({ record }) => record?.agentId ?? ""))
        expect(page.chains.length).to.be.at.most(pageSize)
        pageToken = page.nextPageToken
      } while (pageToken)
      expect(seen).to.deep.equal(all)
    }
    const second = await list({ filter: { includeInactive: true }, pageSize: 2, offset: 3 })
    expect(second.chains.map(({ record }) => record?.agentId)).to.deep.equal(all.slice(3, 5))
    expect((await list({ filter: { includeInactive: true }, offset: 1_000 })).nextPageToken).to.equal("")
  })

  it("return a chain that exists throughout on exactly one page, whatever is written meanwhile", async () => {
    const steady = Array.from({ length: 40 }, (_, i) => `steady-${String(i).padStart(2, "0")}`)
    const store = (id: string) => calls().storeChain({ chain: sampleChain(id) })
    await Promise.all(steady.flatMap((id) => [store(id), store(`${id}-gone`)]))
    const seen: string[] = []
    let pageToken = ""
    for (let page = 0; page === 0 || pageToken; page++) {
      const answer = await list({ filter: { agentIdPrefix: "steady-" }, pageSize: 7, pageToken })
      seen.push(...answer.chains.map(({ record }) => record?.agentId ?? ""))
      pageToken = answer.nextPageToken
      // Before what was read and behind it: changed, new, and gone.
      const both = [page % 40, 39 - (page % 40)].map((i) => steady[i] as string)
      await Promise.all(
        both.flatMap((id) => [
          store(id),
          store(`${id}-${page}-new`),
          calls().deleteChain({ agentId: `${id}-gone` }),
        ]),
      )
    }
    expect(new Set(seen).size).to.equal(seen.length)
    expect(seen.filter((id) => steady.includes(id))).to.deep.equal(steady)
  })

  it("count record sizes too, so that a page of long ids fits a client's limit", async () => {
    const id = (i: number) => `long-${String(i).padStart(4, "0")}`.padEnd(512, "x")
    const metadataJson = JSON.stringify({ text: "x".repeat(1_850) })
    const chain = (i: number) => ({
      genesis: { ...sampleChain(id(i)).genesis, authorityId: "o".repeat(512), metadataJson },
    })
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => calls().storeChain({ chain: chain(i) })))
    const filter = { agentIdPrefix: "long-" }
    const first = await list({ filter, pageSize: 1_000 })
    const second = await list({ filter, pageSize: 1_000, pageToken: first.nextPageToken })
    expect(first.chains.length + second.chains.length).to.equal(1_000)
  })

  it("refuse ids and prefixes that no agent can have", async () => {
    for (const [request, field] of [
      [{ filter: { agentIdPrefix: "x".repeat(4_000_000) } }, "filter.agent_id_prefix"],
      [{ filter: { authorityId: "x".repeat(513) } }, "filter.authority_id"],
    ] as const)
      expect(detailsOf(await failureOf(list(request))).badRequest?.fieldViolations[0]?.field).to.equal(field)
  })

  it("end a page at 3 MiB", async () => {
    const large = '{"x":"'.concat("y".repeat(700_000), '"}')
    for (let i = 0; i < 7; i++) await calls().storeChain({ chain: metadata(`large-${i}`, large) })
    const first = await list({ filter: { agentIdPrefix: "large-" } })
    expect(first.chains).to.have.length(4)
    const rest = await list({ filter: { agentIdPrefix: "large-" }, pageToken: first.nextPageToken })
    expect(rest.chains).to.have.length(3)
    expect(rest.nextPageToken).to.equal("")
    await registry.sql`delete from trust_chains where agent_id like 'large-%'`
  })

  it("refuse invalid sizes, tokens and filters, and name the field", async () => {
    const first = await list({ pageSize: 1 })
    const wrong: [MessageInitShape<typeof ListChainsRequestSchema>, string][] = [
      [{ pageSize: -1 }, "page_size"],
      [{ offset: -1 }, "offset"],
      [{ pageToken: first.nextPageToken, filter: { capability: "read" } }, "page_token"],
      [{ pageToken: `${first.nextPageToken}x` }, "page_token"],
      [{ pageToken: "nonsense" }, "page_token"],
      [{ filter: { capabilityType: 17 as CapabilityType } }, "filter.capability_type"],
      [{ filter: { metadataContainsJson: "{" } }, "filter.metadata_contains_json"],
      [{ filter: { metadataContainsJson: "[1]" } }, "filter.metadata_contains_json"],
      [{ filter: { metadataContainsJson: '{"a":"\\u0000"}' } }, "filter.metadata_contains_json"],
      [{ filter: { metadataContainsJson: '{"a":1e-400000}' } }, "filter.metadata_contains_json"],
      [{ filter: { agentIdPrefix: "a\0" } }, "filter.agent_id_prefix"],
      [{ filter: { delegatorId: "\0" } }, "filter.delegator_id"],
      [{ filter: { expiresBefore: { seconds: 10n ** 15n, nanos: 0 } } }, "filter.expires_before"],
    ]
    for (const [request, field] of wrong) {
      const failure = await failureOf(list(request)).catch(() =>
        expect.fail(`not refused: ${field} ${JSON.stringify(request.filter)}`),
      )
      const { info, badRequest } = detailsOf(failure)
      expect(info?.reason, field).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map((violation) => violation.field)).to.deep.equal([field])
    }
    const same = { includeInactive: false }
    expect((await list({ pageToken: first.nextPageToken, filter: same })).chains).to.not.have.length(0)
  })
})
