import { randomUUID } from "node:crypto"
import type { MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import {
  CapabilityType,
  type ChainFilterSchema,
  RevocationMode,
  RevocationService,
  type TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { failureOf } from "../support/calls.js"
import type { SeenEvent } from "../support/events.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"
import { type OpenWatch, validateWatch } from "../support/watchValidator.js"
import { withRegistryForEach } from "../support/withRegistry.js"

type Chain = MessageInitShape<typeof TrustLineageChainSchema>
type Filter = MessageInitShape<typeof ChainFilterSchema>

describe("attacks on the change feed", () => {
  const { registry, line } = withRegistryForEach()
  const calls = () => line.calls(TrustStoreService)
  const open: OpenWatch = (request, signal) =>
    calls().watchChains(request, { signal, timeoutMs: scaled(120_000) })
  const withMetadata = (agentId: string, metadataJson: string) => ({
    genesis: { ...sampleChain(agentId).genesis, metadataJson },
  })

  describe("metadata", () => {
    it("with numbers of 16,000 digits in JSONB costs a watch no more than its text", async () => {
      const watch = validateWatch(open, {
        startRevision: 1n,
        filter: { metadataContainsJson: '{"a":[1e-16000]}' },
      })
      // As JSONB writes them: 1.6 GB.
      await calls().storeChain({
        chain: withMetadata("wide", `{"a":[${Array.from({ length: 90_000 }, () => "10e-16001").join()}]}`),
      })
      await calls().storeChain({ chain: withMetadata("other", '{"a":[1]}') })
      await watch.reachesHead(registry.sql)
      expect(watch.events.map(({ record }) => record?.agentId)).to.deep.equal(["wide"])
      await watch.stop()
    })

    it("with more than 32 values in a filter is refused, in a watch and in a list", async () => {
      const filter = { metadataContainsJson: `{"a":[${Array.from({ length: 31 }, (_, i) => i).join()}]}` }
      const stop = new AbortController()
      const watched = (async () => {
        for await (const _ of open({ filter }, stop.signal)) return
      })()
      for (const call of [watched, calls().listChains({ filter })]) {
        const failure = await failureOf(call)
        expect(failure.code).to.equal(Code.INVALID_ARGUMENT)
        expect(failure.message).to.contain("filter.metadata_contains_json: has more values than the 32 that")
      }
    })

    it("that was set by hand and nests too deep ends no watch", async () => {
      const deep = `{"a":${"[".repeat(3_000)}${"]".repeat(3_000)}}`
      await calls().storeChain({ chain: withMetadata("deep", '{"a":1}') })
      await registry.sql`
        update trust_chains set chain_data = jsonb_set(chain_data, '{genesis,metadata_json}', to_jsonb(${deep}::text))`
      await calls().storeChain({ chain: withMetadata("sound", '{"a":1}') })
      const watch = validateWatch(open, { startRevision: 1n, filter: { metadataContainsJson: '{"a":1}' } })
      await watch.reachesHead(registry.sql)
      expect(watch.events.map(({ record, chain }) => [record?.agentId, chain !== undefined])).to.deep.equal([
        ["deep", true],
        ["deep", false],
        ["sound", true],
      ])
      await watch.stop()
    })
  })

  describe("a mirror kept by a watch", () => {
    /** Documents that differ in all that filters ask for. */
    const variants = (agentId: string): Chain[] => [
      sampleChain(agentId),
      { ...withMetadata(agentId, '{"team":"red","n":[1,2.50]}'), capabilities: [capability("read")] },
      {
        ...withMetadata(agentId, '{"team":"blue","n":[2.5]}'),
        capabilities: [capability("write", { capabilityType: CapabilityType.DELEGATION })],
      },
      { ...withMetadata(agentId, '{"n":[[1],{"x":10e-1}]}'), delegations: [delegation(agentId)] },
      { genesis: { ...sampleChain(agentId).genesis, authorityId: "org-other" } },
      { ...withMetadata(agentId, '{"n":1e-9000}'), capabilities: [capability("read"), capability("write")] },
    ]
    const filters: Filter[] = [
      {},
      { includeInactive: true },
      { capability: "read" },
      { capability: "write", includeInactive: true },
      { capabilityType: CapabilityType.DELEGATION },
      { delegatorId: "boss" },
      { authorityId: "org-other" },
      { metadataContainsJson: '{"team":"red"}' },
      { metadataContainsJson: '{"n":[2.5]}', includeInactive: true },
      { metadataContainsJson: '{"n":[{"x":1},[]]}' },
      { expiresBefore: timestampFromMs(Date.UTC(2090, 5, 1)) },
    ]
    const change = fc.record({
      kind: fc.constantFrom(
        "store",
        "store",
        "together",
        "delete",
        "remove",
        "restore",
        "suspend",
        "lift",
        "hand",
      ),
      agent: fc.nat({ max: 4 }),
      variant: fc.nat({ max: 5 }),
      late: fc.boolean(),
    })

    /** Who is in it, by what was told: a chain comes with whatever is in the filter, and without is what is not. */
    const apply = (mirror: Map<string, string>, events: readonly SeenEvent[]) => {
      for (const { record, chain } of events)
        if (chain) mirror.set(record?.agentId ?? "", record?.contentHash ?? "")
        else mirror.delete(record?.agentId ?? "")
      return Object.fromEntries([...mirror].sort())
    }

    it("equals a list, whatever the filter and the changes", async () => {
      const revocations = line.calls(RevocationService)
      let round = 0
      const run = async (changes: (typeof change extends fc.Arbitrary<infer Change> ? Change : never)[]) => {
        const prefix = `round-${round++}-`
        const suspended: string[] = []
        const [row] =
          await registry.sql`select coalesce(max(revision), 0)::text as head from trust_chain_revisions`
        const head = BigInt(row?.head)
        const watchAll = (request: { startRevision?: bigint; includeCurrent?: boolean }) =>
          filters.map((filter) =>
            validateWatch(open, { ...request, filter: { ...filter, agentIdPrefix: prefix } }),
          )
        const watches = [watchAll({ startRevision: head + 1n })]
        for (const [index, { kind, agent, variant, late }] of changes.entries()) {
          const agentId = `${prefix}${agent}`
          const chain = variants(agentId)[variant] as Chain
          const expiresAt = late ? timestampFromMs(Date.UTC(2091, 0)) : timestampFromMs(Date.UTC(2090, 0))
          const done = {
            store: () => calls().storeChain({ chain, expiresAt }),
            together: () =>
              calls().batchStoreChains({
                atomic: true,
                requests: [agent, agent + 1].map((place) => ({
                  chain: variants(`${prefix}${place}`)[variant] as Chain,
                  expiresAt,
                })),
              }),
            delete: () => calls().deleteChain({ agentId }),
            remove: () => calls().purgeChain({ agentId }),
            restore: () => calls().restoreChain({ agentId }),
            suspend: async () => {
              const requestId = randomUUID()
              await revocations.revokeAgent({ agentId, mode: RevocationMode.SUSPEND, requestId })
              suspended.push(requestId)
            },
            lift: () => revocations.liftSuspension({ revocationId: suspended.pop() ?? randomUUID() }),
            // Out of a filter and back in one transaction.
            hand: () =>
              registry.sql.unsafe(`
                update trust_chains set authority_id = 'org-other' where agent_id = '${agentId}';
                update trust_chains set authority_id = 'org-acme', is_active = ${late} where agent_id = '${agentId}'`),
          }[kind as "store"]
          // Many are refused, as what they ask for makes no sense then.
          await done().catch(() => undefined)
          if (index === changes.length >> 1) watches.push(watchAll({ includeCurrent: true }))
        }
        watches.push(watchAll({ startRevision: head + 1n }), watchAll({ includeCurrent: true }))
        for (const some of watches)
          for (const [index, watch] of some.entries()) {
            await watch.reachesHead(registry.sql)
            const { chains } = await calls().listChains({
              filter: { ...filters[index], agentIdPrefix: prefix },
            })
            const listed = Object.fromEntries(
              chains.map(({ record }) => [record?.agentId, record?.contentHash]),
            )
            expect(apply(new Map(), watch.events)).to.deep.equal(listed, JSON.stringify(index))
            await watch.stop()
          }
      }
      await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 20, maxLength: 60 }), run), {
        numRuns: 3,
        endOnFailure: true,
      })
    })
  })

  it("detects lost history even if its newest change was a revocation", async () => {
    const { record } = await calls().storeChain({ chain: sampleChain("kept") })
    await calls().storeChain({ chain: sampleChain("gone") })
    await calls().purgeChain({ agentId: "gone" })
    await line.calls(RevocationService).revokeAgent({ agentId: "gone" })
    await until("the feed is there", async () => (await calls().getChain({ agentId: "kept" })).stored?.record)
    // As after a failover to a standby that lacked the newest commits.
    const kept = Number(record?.revision)
    await registry.sql.unsafe(`
      alter table trust_revocations disable trigger user;
      delete from trust_chain_revisions where revision > ${kept};
      delete from trust_revocations;
      alter table trust_revocations enable trigger user;
      select setval('trust_revision', ${kept + 1}, false)`)
    await registry.sql`update trust_chains set status = 'revoked' where agent_id = 'kept'`
    await until("it is revoked here too", async () => {
      const failure = await failureOf(calls().getChain({ agentId: "kept" }))
      return failure.code === Code.FAILED_PRECONDITION || failure.code === Code.NOT_FOUND
    })
  })
})
