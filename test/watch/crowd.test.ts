import type { MessageInitShape } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import {
  CapabilityType,
  type ChainFilterSchema,
  ChainView,
  TrustStoreService,
  type WatchChainsResponse,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { seen } from "../support/events.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"
import { type OpenWatch, validateWatch } from "../support/watchValidator.js"

const WATCHERS = 200
/** Large chains: more than the 18 that a line holds for who does not read and the 18 that fit the server's memory. */
const COUNT = 40

describe("many watches", () => {
  let registry: TestRegistry
  const lines: ReturnType<typeof connectTo>[] = []
  afterEach(async () => {
    for (const line of lines.splice(0)) line.close()
    await registry.stop()
  })

  function connection() {
    const line = connectTo(registry.address)
    lines.push(line)
    return line.calls(TrustStoreService)
  }
  const openOn =
    ({ watchChains }: ReturnType<typeof connection>): OpenWatch =>
    (request, signal) =>
      watchChains(request, { signal, timeoutMs: scaled(120_000) })

  const large = (agentId: string) => ({
    genesis: { ...sampleChain(agentId).genesis, metadataJson: `{"text":"${"x".repeat(900_000)}"}` },
  })

  it("receive every event, even if one of them is not read, and read history once for all", async () => {
    registry = await startRegistry()
    const store = connection().storeChain
    const crowds = [connection(), connection(), connection(), connection()]
    const idle = connection()
      .watchChains({ startRevision: 1n }, { timeoutMs: scaled(120_000) })
      [Symbol.asyncIterator]()
    await idle.next()
    const watches = Array.from({ length: WATCHERS - 1 }, (_, i) =>
      validateWatch(openOn(crowds[i % crowds.length] as (typeof crowds)[0]), { startRevision: 1n }),
    )
    await Promise.all(watches.map((watch) => watch.reaches(1n)))
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 20 }, (_, i) => store({ chain: sampleChain(`agent-${i}`) })))
    await Promise.all(watches.map((watch) => watch.reachesHead(registry.sql)))
    for (const watch of watches) expect(watch.events).to.have.lengthOf(200)
    await watches[0]?.agreesWith(registry.sql)
    await Promise.all(watches.map((watch) => watch.stop()))
    await idle.return?.()
    // What its connections did is told when they are gone.
    await registry.stopServer()
    const [row] = await registry.sql`
      select idx_tup_fetch::int as fetched from pg_stat_user_tables where relname = 'trust_chain_revisions'`
    expect(row?.fetched).to.be.below((200 * WATCHERS) / 4)
  })

  it("resume where they were, even those that fell behind what memory holds", async () => {
    registry = await startRegistry()
    const store = connection().storeChain
    const slow = connection()
      .watchChains({ startRevision: 1n }, { timeoutMs: scaled(120_000) })
      [Symbol.asyncIterator]()
    const revisions = await takeUntil(slow, 1n)
    const quick = validateWatch(openOn(connection()), { startRevision: 1n })
    for (let i = 0; i < COUNT; i++) await store({ chain: large(`agent-${i}`) })
    await quick.reachesHead(registry.sql)
    revisions.push(...(await takeUntil(slow, BigInt(COUNT) + 1n)))
    expect(revisions).to.deep.equal(Array.from({ length: COUNT }, (_, i) => BigInt(i + 1)))
    await quick.stop()
    await slow.return?.()
  })

  it("end with REVISION_COMPACTED if history no longer has what they missed", async () => {
    registry = await startRegistry({ historyRetentionMs: 1_000 })
    const { storeChain: store, listChainRevisions } = connection()
    const slow = connection()
      .watchChains({ startRevision: 1n }, { timeoutMs: scaled(120_000) })
      [Symbol.asyncIterator]()
    await takeUntil(slow, 1n)
    for (let i = 0; i < COUNT; i++) await store({ chain: large("agent") })
    const oldest = await until("the history was compacted", async () => {
      const page = await listChainRevisions({ agentId: "agent", view: ChainView.RECORD })
      return page.oldestRevision === BigInt(COUNT) && page.oldestRevision
    })
    const error = await failureOf(takeUntil(slow, oldest))
    expect([error.code, detailsOf(error).info?.reason]).to.deep.equal([
      Code.OUT_OF_RANGE,
      "REVISION_COMPACTED",
    ])
    expect(detailsOf(error).info?.metadata.oldest_revision).to.equal(String(COUNT))
    const anew = validateWatch(openOn(connection()), { startRevision: oldest })
    await anew.reachesHead(registry.sql)
    expect(anew.events).to.have.lengthOf(1)
    await anew.stop()
  })

  it("apply filters as lists do", async () => {
    registry = await startRegistry()
    const { storeChain, deleteChain, listChains, watchChains } = connection()
    const documents = fc.sample(DOCUMENT, { numRuns: 80, seed: 7 })
    await Promise.all(
      documents.map(async ({ names, types, delegators, metadata, deleted, expires }, i) => {
        const agentId = `agent-${"abc"[i % 3]}-${i}`
        const chain = {
          genesis: {
            ...sampleChain(agentId).genesis,
            authorityId: `org-${i % 2}`,
            ...(metadata === undefined ? {} : { metadataJson: metadata }),
          },
          capabilities: names.map((name, n) => capability(name, { capabilityType: types[n] ?? 1 })),
          delegations: delegators.map((delegatorId, n) =>
            delegation(agentId, { id: `del-${n}`, delegatorId, capabilitiesDelegated: ["read"] }),
          ),
        }
        await storeChain({ chain, ...(expires ? { expiresAt: momentIn(expires) } : {}) })
        if (deleted) await deleteChain({ agentId })
      }),
    )
    const watched = async (filter: MessageInitShape<typeof ChainFilterSchema>) => {
      const stands = new Set<string>()
      for await (const { events, caughtUp } of watchChains({ startRevision: 1n, filter })) {
        for (const { record, chain } of events.map(seen))
          stands[chain ? "add" : "delete"](record?.agentId ?? "")
        if (caughtUp) break
      }
      return [...stands].sort()
    }
    const listed = async (filter: MessageInitShape<typeof ChainFilterSchema>) => {
      const { chains, nextPageToken } = await listChains({ filter, pageSize: 1000 })
      expect(nextPageToken).to.equal("")
      return chains.map(({ record }) => record?.agentId ?? "").sort()
    }
    let found = 0
    await fc.assert(
      fc.asyncProperty(FILTER, async (filter) => {
        const ids = await listed(filter)
        found += ids.length
        expect(await watched(filter)).to.deep.equal(ids)
      }),
      { numRuns: 150, seed: 11 },
    )
    expect(found).to.be.greaterThan(200)
  })
})

/** Reads until all below the revision was told; gives the revisions of the events. */
async function takeUntil(watch: AsyncIterator<WatchChainsResponse>, revision: bigint): Promise<bigint[]> {
  const revisions: bigint[] = []
  for (;;) {
    const { value, done } = await watch.next()
    if (done) throw new Error("the watch ended")
    for (const { record } of (value as WatchChainsResponse).events.map(seen))
      revisions.push(record?.revision ?? 0n)
    if ((value as WatchChainsResponse).nextRevision >= revision) return revisions
  }
}

const momentIn = (hours: number) => ({
  seconds: BigInt(Math.floor(Date.now() / 1000) + hours * 3600),
  nanos: 0,
})

const NAMES = fc.constantFrom("read", "write", "re", "*")
const TYPES = fc.constantFrom(CapabilityType.ACCESS, CapabilityType.ACTION, CapabilityType.DELEGATION)
const DELEGATORS = fc.constantFrom("boss", "chief")
/** Texts of the same numbers, and of others that a double would take for the same. */
const NUMBER = fc.constantFrom(
  "1",
  "1.0",
  "1.00e0",
  "10e-1",
  "0",
  "-0.0",
  "12345678901234567890",
  "12345678901234567891",
  "1e30",
)
const SCALAR = fc.oneof(NUMBER, fc.constantFrom('"a"', '"1"', '""', "true", "null", '"\\u00e4"'))
const VALUE = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    SCALAR,
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
    fc
      .dictionary(fc.constantFrom("x", "y"), tie("value"), { maxKeys: 2 })
      .map((members) => objectText(members)),
  ),
})).value
const OBJECT = fc
  .dictionary(fc.constantFrom("x", "y", "z"), VALUE, { maxKeys: 3 })
  .map((members) => objectText(members))

function objectText(members: Record<string, string>): string {
  return `{${Object.entries(members)
    .map(([key, value]) => `"${key}": ${value}`)
    .join()}}`
}

const DOCUMENT = fc.record({
  names: fc.uniqueArray(NAMES, { maxLength: 3 }),
  types: fc.array(TYPES, { minLength: 3, maxLength: 3 }),
  delegators: fc.uniqueArray(DELEGATORS, { maxLength: 2 }),
  metadata: fc.option(OBJECT, { nil: undefined }),
  deleted: fc.boolean(),
  expires: fc.constantFrom(0, 1, 48),
})

const CONDITIONS = fc.record({
  authorityId: fc.constantFrom("org-0", "org-1"),
  includeInactive: fc.boolean(),
  agentIdPrefix: fc.constantFrom("agent-a", "agent-b-1", "b"),
  capability: NAMES,
  capabilityType: TYPES,
  delegatorId: DELEGATORS,
  metadataContainsJson: OBJECT,
  expiresBefore: fc.constantFrom(momentIn(2), momentIn(72)),
})

/** Two conditions at most: of more, nothing would match. */
const FILTER = fc
  .tuple(
    CONDITIONS,
    fc.subarray(
      [
        "authorityId",
        "includeInactive",
        "agentIdPrefix",
        "capability",
        "capabilityType",
        "delegatorId",
        "metadataContainsJson",
        "expiresBefore",
      ],
      { maxLength: 2 },
    ),
  )
  .map(([all, names]) => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))))
