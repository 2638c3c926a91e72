import { once } from "node:events"
import * as grpc from "@grpc/grpc-js"
import {
  ChainStatus,
  decode,
  type ExportChainsResponse,
  ExportChainsResponseSchema,
  encode,
  methodDefinition,
  type StoredChain,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf } from "../support/calls.js"
import { seen } from "../support/events.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

describe("ExportChains", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const chains = () => line.calls(TrustStoreService)
  type Asked = Parameters<ReturnType<typeof chains>["exportChains"]>[0]

  async function open(changes: Parameters<typeof startRegistry>[0] = {}) {
    registry = await startRegistry(changes)
    line = connectTo(registry.address)
  }
  afterEach(async () => {
    line.close()
    await registry?.stop()
  })

  const chainOf = (agentId: string, version: number, pad = 0) => {
    const { genesis } = sampleChain(agentId)
    return { genesis: { ...genesis, metadataJson: `{"version":${version},"pad":"${"x".repeat(pad)}"}` } }
  }
  const idOf = (i: number) => `agent-${String(i).padStart(5, "0")}`
  const store = async (ids: string[], version: number, pad = 0) => {
    const atOnce = pad > 10_000 ? 8 : 500
    for (let i = 0; i < ids.length; i += atOnce) {
      const requests = ids.slice(i, i + atOnce).map((id) => ({ chain: chainOf(id, version, pad) }))
      await chains().batchStoreChains({ requests })
    }
  }

  async function exported(request: Asked = {}) {
    const found: ExportChainsResponse[] = []
    let error: grpc.ServiceError | undefined
    try {
      for await (const response of chains().exportChains(request)) found.push(response)
    } catch (thrown) {
      error = thrown as grpc.ServiceError
    }
    const [first, ...rest] = found
    const responses = rest.map(storedIn)
    return { snapshot: first ? snapshotIn(first) : 0n, responses, ids: responses.map(agentOf), error }
  }
  const reasonOf = (error: grpc.ServiceError | undefined) =>
    detailsOf(error as grpc.ServiceError).info?.reason

  it("sends the revision first, then each chain with its record by agent_id", async () => {
    await open()
    expect(await exported()).to.deep.equal({ snapshot: 0n, responses: [], ids: [], error: undefined })
    const ids = Array.from({ length: 1_201 }, (_, i) => idOf(i))
    await store([...ids].reverse(), 0)
    const { snapshot, responses, ids: given } = await exported()
    expect(given).to.deep.equal(ids)
    const one = await chains().getChain({ agentId: idOf(7) })
    expect(responses[7]).to.deep.equal(one.stored)
    expect(snapshot).to.equal(responses.reduce((most, { record }) => max(most, record?.revision), 0n))
  })

  it("applies filters as ListChains does", async () => {
    await open()
    await store(["a-1", "a-2", "b-1", "b-2", "b-3"], 0)
    await chains().storeChain({ chain: { ...sampleChain("c-1"), capabilities: [capability("read")] } })
    await chains().deleteChain({ agentId: "b-2" })
    await registry.sql`update trust_chains set expires_at = '2040-01-01' where agent_id = 'a-2'`
    const filters = [
      {},
      { includeInactive: true },
      { agentIdPrefix: "b-" },
      { capability: "read" },
      { metadataContainsJson: '{"version":0}' },
      { expiresBefore: { seconds: 3_000_000_000n, nanos: 0 } },
      { authorityId: "nobody" },
    ]
    for (const filter of filters) {
      const listed = await chains().listChains({ filter } as object)
      const { ids } = await exported({ filter } as object)
      expect(ids, JSON.stringify(Object.keys(filter))).to.deep.equal(
        listed.chains.map(({ record }) => record?.agentId),
      )
    }
  })

  it("exports a snapshot at one revision, and a watch from there reports the rest", async () => {
    await open()
    const ids = Array.from({ length: 2_600 }, (_, i) => idOf(i))
    await store(ids, 0, 300)
    await chains().deleteChain({ agentId: idOf(2_500) })
    const stream = chains().exportChains({})[Symbol.asyncIterator]()
    const snapshot = snapshotIn((await stream.next()).value)
    const before =
      await registry.sql`select agent_id, revision from trust_chains where is_active order by agent_id`
    const found: StoredChain[] = []
    for (let i = 0; i < 100; i++) found.push(storedIn((await stream.next()).value))
    // Far behind what was read already, and behind what will be: changed, deleted, brought back, new, and changed twice.
    await store([idOf(1), idOf(1_500), idOf(2_000), idOf(2_000), `${idOf(2_000)}-new`], 1)
    await chains().deleteChain({ agentId: idOf(1_800) })
    await chains().restoreChain({ agentId: idOf(2_500) })
    await registry.sql`update trust_chains set chain_hash = 'by hand' where agent_id = ${idOf(2_400)}`
    for (let next = await stream.next(); !next.done; next = await stream.next())
      found.push(storedIn(next.value))
    expect(found.map(agentOf)).to.deep.equal(before.map(({ agent_id }) => agent_id))
    expect(found.map(({ record }) => String(record?.revision))).to.deep.equal(
      before.map(({ revision }) => String(revision)),
    )
    for (const { chain } of found) expect(chain?.genesis?.metadataJson).to.contain('"version":0')
    const changed = new Set<string>()
    for await (const { events, caughtUp } of chains().watchChains({ startRevision: snapshot + 1n })) {
      for (const { record } of events.map(seen)) changed.add(record?.agentId ?? "")
      if (caughtUp) break
    }
    const late = [1, 1_500, 1_800, 2_000, 2_400, 2_500].map(idOf)
    expect([...changed].sort()).to.deep.equal([...late, `${idOf(2_000)}-new`].sort())
    // The same once more, from the middle on and from the first, though all has changed since.
    await store(ids, 2)
    const again = await exported({ snapshotRevision: snapshot, afterAgentId: idOf(99) })
    expect(again.snapshot).to.equal(snapshot)
    expect(again.responses).to.deep.equal(found.slice(100))
    expect((await exported({ snapshotRevision: snapshot })).responses).to.deep.equal(found)
    const filtered = await exported({
      snapshotRevision: snapshot,
      filter: { metadataContainsJson: '{"version":0}' } as never,
    })
    expect(filtered.responses).to.deep.equal(found)
  })

  it("leaves out chains that are purged meanwhile", async () => {
    await open()
    await store(["a", "b", "c"], 0)
    const { snapshot } = await exported()
    await chains().purgeChain({ agentId: "b" })
    expect((await exported({ snapshotRevision: snapshot })).ids).to.deep.equal(["a", "c"])
  })

  it("sends only the record of a row that does not parse", async () => {
    await open()
    await store(["a", "b", "c"], 0)
    await registry.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'b'`
    const { responses, ids } = await exported()
    expect(ids).to.deep.equal(["a", "b", "c"])
    expect(responses.map(({ chain, unreadable }) => [chain !== undefined, unreadable])).to.deep.equal([
      [true, false],
      [false, true],
      [true, false],
    ])
    expect(responses[1]?.record).to.include({ agentId: "b", status: ChainStatus.ACTIVE })
  })

  it("holds little memory, no connection and no transaction while its reader does not read", async () => {
    await open()
    await store(
      Array.from({ length: 60 }, (_, i) => idOf(i)),
      0,
      400_000,
    )
    const { path } = methodDefinition(TrustStoreService.method.exportChains)
    const same = (bytes: Buffer) => bytes
    const calls = Array.from({ length: 12 }, () => {
      const call = line.channel.makeServerStreamRequest(
        path,
        same,
        same,
        encode(TrustStoreService.method.exportChains.input, {}),
      )
      return call[Symbol.asyncIterator]()
    })
    const firsts = await Promise.all(calls.map((call) => call.next()))
    expect(firsts.every(({ done }) => !done)).to.equal(true)
    // As many as would have used up all connections, were they held.
    await until("nothing runs in the database", async () => {
      const rows = await registry.sql`select 1 from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and (state <> 'idle' or backend_xmin is not null)`
      return rows.length === 0
    })
    expect((await chains().listChains({ pageSize: 1 })).chains).to.have.length(1)
    for (const call of calls) {
      let count = 0
      for (let next = await call.next(); !next.done; next = await call.next()) {
        const response = decode(ExportChainsResponseSchema, next.value as Buffer)
        expect(agentOf(storedIn(response))).to.equal(idOf(count++))
      }
      expect(count).to.equal(60)
    }
  })

  it("ends when the server stops, and resumes on the next one", async () => {
    await open()
    const ids = Array.from({ length: 3_000 }, (_, i) => idOf(i))
    await store(ids, 0, 500)
    const stream = chains().exportChains({})[Symbol.asyncIterator]()
    const snapshotRevision = snapshotIn((await stream.next()).value)
    const found: string[] = []
    const restarted = registry.restart()
    try {
      for (let next = await stream.next(); !next.done; next = await stream.next())
        found.push(agentOf(storedIn(next.value)))
    } catch (error) {
      expect(reasonOf(error as grpc.ServiceError)).to.equal("SHUTTING_DOWN")
    }
    await restarted
    line.close()
    line = connectTo(registry.address)
    expect(found.length).to.be.below(3_000)
    await store([idOf(2_999)], 1)
    const rest = await exported({ snapshotRevision, afterAgentId: found.at(-1) ?? "" })
    expect([...found, ...rest.ids]).to.deep.equal(ids)
    expect(rest.responses.at(-1)?.chain?.genesis?.metadataJson).to.contain('"version":0')
  })

  it("refuses invalid fields by name, and revisions that history does not have", async () => {
    await open()
    await store(["a", "b"], 0)
    const wrong = {
      after_agent_id: { afterAgentId: "x".repeat(513) },
      snapshot_revision: { snapshotRevision: -1n },
      "filter.agent_id_prefix": { filter: { agentIdPrefix: "\u0000" } },
      "filter.metadata_contains_json": { filter: { metadataContainsJson: "[" } },
    }
    for (const [field, request] of Object.entries(wrong)) {
      const { error } = await exported(request as object)
      expect(error?.code).to.equal(grpc.status.INVALID_ARGUMENT)
      expect(detailsOf(error as grpc.ServiceError).badRequest?.fieldViolations[0]?.field).to.equal(field)
    }
    const ahead = await exported({ snapshotRevision: 9_999n })
    expect(reasonOf(ahead.error)).to.equal("INVALID_REQUEST")
    await registry.sql`insert into trust_compaction (oldest_revision) values (2)`
    expect(reasonOf((await exported({ snapshotRevision: 1n })).error)).to.equal("REVISION_COMPACTED")
    expect((await exported({ snapshotRevision: 2n })).ids).to.deep.equal(["a", "b"])
  })

  it("stops when its caller cancels", async () => {
    await open()
    await store(
      Array.from({ length: 1_500 }, (_, i) => idOf(i)),
      0,
      1_000,
    )
    const stop = new AbortController()
    const { path } = methodDefinition(TrustStoreService.method.exportChains)
    const same = (bytes: Buffer) => bytes
    const call = line.channel.makeServerStreamRequest(path, same, same, Buffer.alloc(0))
    call.on("error", () => stop.abort())
    await once(call, "data")
    call.cancel()
    await until("the call has ended", () =>
      registry.log.find(
        ({ method, code }) => String(method).endsWith("/ExportChains") && code === "CANCELLED",
      ),
    )
  })
})

function agentOf({ record }: StoredChain): string {
  return record?.agentId ?? ""
}

function snapshotIn({ part }: ExportChainsResponse): bigint {
  if (part.case !== "snapshotRevision") throw new Error(`no snapshot revision, but ${part.case}`)
  return part.value
}

function storedIn({ part }: ExportChainsResponse): StoredChain {
  if (part.case !== "stored") throw new Error(`no chain, but ${part.case}`)
  return part.value
}

function max(a: bigint, b: bigint | undefined): bigint {
  return b !== undefined && b > a ? b : a
}
