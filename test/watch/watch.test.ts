import type { MessageInitShape } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import { type ChainEvent, type ChainFilterSchema, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { type SeenEvent, seen } from "../support/events.js"
import { capability } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"
import { type OpenWatch, validateWatch } from "../support/watchValidator.js"

describe("a watch", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)
  const open: OpenWatch = (request, signal) =>
    calls().watchChains(request, { signal, timeoutMs: scaled(120_000) })
  const store = (agentId: string) => calls().storeChain({ chain: sampleChain(agentId) })

  beforeEach(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  afterEach(async () => {
    line.close()
    await registry.stop()
  })

  /** The events as text; `+` stands for the chain. */
  const told = (events: readonly SeenEvent[]) =>
    events.map(({ word, record, chain }) => [word, record?.agentId, ...(chain ? ["+"] : [])].join(" "))

  it("reports every kind of change once, in order, with the chain if it matches the filter", async () => {
    const watch = validateWatch(open, { startRevision: 1n })
    await store("a")
    await calls().updateChain({ agentId: "a", chain: sampleChain("a") })
    await calls().deleteChain({ agentId: "a" })
    await calls().restoreChain({ agentId: "a" })
    await registry.sql`update trust_chains set status = 'suspended' where agent_id = 'a'`
    await calls().restoreChain({ agentId: "a" })
    await registry.sql`update trust_chains set status = 'revoked' where agent_id = 'a'`
    await watch.reachesHead(registry.sql)
    expect(told(watch.events)).to.deep.equal([
      "CREATED a +",
      "UPDATED a +",
      "DELETED a",
      "RESTORED a +",
      "SUSPENDED a",
      "RESTORED a +",
      "REVOKED a",
    ])
    await watch.agreesWith(registry.sql)
    await watch.stop()
  })

  it("reports changes by hand, and purged chains without documents", async () => {
    await store("a")
    await store("b")
    await registry.sql`update trust_chains set authority_id = 'org-hand' where agent_id = 'a'`
    await registry.sql`delete from trust_chains where agent_id = 'b'`
    await calls().purgeChain({ agentId: "a" })
    await store("a")
    const watch = validateWatch(open, { startRevision: 1n, filter: { includeInactive: true } })
    await watch.reachesHead(registry.sql)
    expect(told(watch.events)).to.deep.equal([
      "CREATED a",
      "CREATED b",
      "UPDATED a",
      "PURGED b",
      "PURGED a",
      "CREATED a +",
    ])
    expect(watch.events[3]?.record?.updatedBy).to.match(/^postgres:/)
    await watch.agreesWith(registry.sql)
    await watch.stop()
  })

  it("begins at the newest revision by default, and says so at once", async () => {
    const { record } = await store("before")
    const watch = validateWatch(open)
    await watch.reaches((record?.revision ?? 0n) + 1n)
    await store("after")
    await watch.reachesHead(registry.sql)
    expect(told(watch.events)).to.deep.equal(["CREATED after +"])
    await watch.stop()
  })

  it("reports a document that does not parse as its record, and continues", async () => {
    await store("torn")
    await registry.sql`update trust_chains set chain_data = '{"unknown":1}' where agent_id = 'torn'`
    await store("sound")
    for (const request of [{ startRevision: 2n }, { includeCurrent: true }]) {
      const watch = validateWatch(open, request)
      await watch.reachesHead(registry.sql)
      const flags = watch.events.map(({ record, unreadable, chain }) => [
        record?.agentId,
        unreadable,
        chain !== undefined,
      ])
      expect(flags).to.deep.equal([
        ["torn", true, false],
        ["sound", false, true],
      ])
      await watch.stop()
    }
  })

  it("sends a bookmark every second while nothing changes, with the progress that other changes made", async () => {
    const stop = new AbortController()
    const seen: bigint[] = []
    const filter = { agentIdPrefix: "mine" }
    const watching = (async () => {
      for await (const { events, nextRevision, caughtUp } of open({ filter }, stop.signal)) {
        expect(events).to.have.lengthOf(0)
        if (caughtUp) seen.push(nextRevision)
      }
    })().catch(() => undefined)
    await until("the watch has begun", () => seen.length > 0)
    const { record } = await store("other")
    await until("a bookmark is past it", () => (seen.at(-1) ?? 0n) > (record?.revision ?? 0n))
    await until(
      "another one comes all the same",
      () => seen.filter((next) => next === seen.at(-1)).length > 1,
    )
    stop.abort()
    await watching
  })

  it("refuses a start_revision that does not exist yet, is negative, or comes with include_current", async () => {
    await store("a")
    const refused = async (request: object) => {
      const stop = new AbortController()
      const error = await failureOf(
        (async () => {
          for await (const _ of open(request, stop.signal));
        })(),
      )
      return [error.code, detailsOf(error).badRequest?.fieldViolations[0]?.field]
    }
    const bad = [Code.INVALID_ARGUMENT, "start_revision"]
    expect(await refused({ startRevision: 3n })).to.deep.equal(bad)
    expect(await refused({ startRevision: -1n })).to.deep.equal(bad)
    expect(await refused({ startRevision: 1n, includeCurrent: true })).to.deep.equal(bad)
    expect(await refused({ filter: { metadataContainsJson: '{"n":1e400000}' } })).to.deep.equal([
      Code.INVALID_ARGUMENT,
      "filter.metadata_contains_json",
    ])
  })

  describe("with a filter", () => {
    const able = (agentId: string, ...names: string[]) =>
      calls().storeChain({
        chain: { ...sampleChain(agentId), capabilities: names.map((name) => capability(name)) },
      })
    const watched = async (filter: MessageInitShape<typeof ChainFilterSchema>) => {
      const watch = validateWatch(open, { startRevision: 1n, filter })
      await watch.reachesHead(registry.sql)
      await watch.stop()
      return told(watch.events)
    }

    it("reports when an update takes a chain out of it, and when one brings it in", async () => {
      await able("a", "read")
      await able("a", "read", "write")
      await able("a", "read")
      await able("a", "write")
      await calls().deleteChain({ agentId: "a" })
      await calls().restoreChain({ agentId: "a" })
      await able("b", "read")
      expect(await watched({ capability: "write" })).to.deep.equal([
        "UPDATED a +",
        "LEFT a",
        "UPDATED a +",
        "DELETED a",
        "RESTORED a +",
      ])
      expect(await watched({ capability: "write", includeInactive: true })).to.deep.equal([
        "UPDATED a +",
        "LEFT a",
        "UPDATED a +",
        "DELETED a +",
        "RESTORED a +",
      ])
      expect(await watched({ agentIdPrefix: "b" })).to.deep.equal(["CREATED b +"])
    })

    it("reports every purge, whatever the document said, since nobody can tell any more", async () => {
      await able("a", "read")
      await able("b", "write")
      await calls().purgeChain({ agentId: "a" })
      await calls().purgeChain({ agentId: "b" })
      expect(await watched({ capability: "write" })).to.deep.equal(["PURGED a", "PURGED b"])
      expect(await watched({ capability: "write", agentIdPrefix: "b" })).to.deep.equal(["PURGED b"])
    })

    it("reports the same live as from history", async () => {
      const filter = { capability: "write" }
      const live = validateWatch(open, { filter })
      await live.reaches(1n)
      const quiet = validateWatch(open, {})
      await quiet.reaches(1n)
      for (const names of [["read"], ["write"], ["read"], ["write", "read"]]) await able("a", ...names)
      await live.reachesHead(registry.sql)
      await quiet.reachesHead(registry.sql)
      expect(told(live.events)).to.deep.equal(await watched(filter))
      expect(quiet.events).to.have.lengthOf(4)
      await Promise.all([live.stop(), quiet.stop()])
    })
  })

  it("marks each event's kind: a change, current state, or left the filter", async () => {
    const able = (agentId: string, name: string) =>
      calls().storeChain({ chain: { ...sampleChain(agentId), capabilities: [capability(name)] } })
    for (const agentId of ["a", "b", "c"]) await able(agentId, "write")
    const filter = { capability: "write" }
    const stop = new AbortController()
    const kinds: unknown[] = []
    const watching = (async () => {
      for await (const { events } of open({ filter, includeCurrent: true }, stop.signal))
        for (const { kind } of events) kinds.push(kind)
    })().catch(() => undefined)
    await until("the current state is told", () => kinds.length === 3)
    const { record } = await able("a", "write")
    await able("a", "read")
    await calls().deleteChain({ agentId: "b" })
    await calls().purgeChain({ agentId: "c" })
    await able("a", "write")
    await until("all are told", () => kinds.length === 8)
    stop.abort()
    await watching
    const events = kinds.map((kind) => seen({ kind } as ChainEvent))
    expect(
      events.map(({ kind, operation, record }) => `${kind} ${operation} ${record?.agentId}`),
    ).to.deep.equal([
      "current undefined a",
      "current undefined b",
      "current undefined c",
      "changed updated a",
      "left updated a",
      "changed deleted b",
      "changed purged c",
      "changed updated a",
    ])
    expect(events.map(({ chain }) => chain !== undefined)).to.deep.equal([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      true,
    ])
    expect(events[3]?.record).to.deep.equal(record)
    const { revisions } = await calls().listChainRevisions({ agentId: "a" })
    const left = kinds[4] as ChainEvent["kind"]
    const [, out] = revisions
    expect(left.case === "left" && left.value.requestId).to.equal(out?.requestId)
    expect(events[4]?.record).to.deep.equal(out?.stored?.record)
    // What a change did is told as the history tells it.
    const changed = kinds[7] as ChainEvent["kind"]
    expect(changed.case === "changed" && changed.value).to.deep.equal(revisions[0])
  })

  describe("with the current state", () => {
    it("reports a snapshot in the order of revisions, then the changes after it", async () => {
      for (const agentId of ["a", "b", "c", "d"]) await store(agentId)
      await store("a")
      await calls().deleteChain({ agentId: "b" })
      await calls().purgeChain({ agentId: "c" })
      const watch = validateWatch(open, { includeCurrent: true })
      await watch.reachesHead(registry.sql)
      await store("c")
      await watch.reachesHead(registry.sql)
      expect(told(watch.events)).to.deep.equal(["CURRENT d +", "CURRENT a +", "CREATED c +"])
      expect(watch.events.map(({ record }) => record?.revision)).to.deep.equal([4n, 5n, 8n])
      await watch.stop()
    })

    it("is caught up for the first time after the whole snapshot", async () => {
      for (const agentId of ["a", "b", "c"]) await store(agentId)
      const stop = new AbortController()
      let count = 0
      for await (const { events, caughtUp, nextRevision } of open({ includeCurrent: true }, stop.signal)) {
        count += events.length
        if (!caughtUp) continue
        expect([count, nextRevision]).to.deep.equal([3, 4n])
        break
      }
      stop.abort()
    })

    it("loses and repeats nothing while others write, however often it is interrupted", async () => {
      const agents = Array.from({ length: 300 }, (_, i) => `agent-${i}`)
      await Promise.all(agents.map(store))
      let writing = true
      const writer = (async () => {
        for (let i = 0; writing; i++) {
          const agentId = agents[(i * 7) % agents.length] ?? ""
          if (i % 5 === 3)
            await (i % 2 === 0 ? calls().deleteChain({ agentId }) : calls().purgeChain({ agentId }))
          else if (i % 5 === 4)
            await calls()
              .restoreChain({ agentId })
              .catch(() => undefined)
          else await store(agentId).catch(() => undefined)
        }
      })()
      const watch = validateWatch(open, { includeCurrent: true })
      for (let cut = 0; cut < 5; cut++) {
        const seen = watch.events.length
        await until("some more came", () => watch.events.length > seen || watch.failure !== undefined)
        await watch.resume(open)
      }
      writing = false
      await writer
      await watch.reachesHead(registry.sql)
      const mirror = new Set<string>()
      for (const { record, chain } of watch.events) {
        if (chain) mirror.add(record?.agentId ?? "")
        else mirror.delete(record?.agentId ?? "")
      }
      const rows = await registry.sql`select agent_id from trust_chains where is_active order by agent_id`
      expect([...mirror].sort()).to.deep.equal(rows.map(({ agent_id }) => agent_id).sort())
      await watch.stop()
    })
  })

  it("reports the changes of a transaction that was open before and after its write in order, and skips none", async () => {
    const watch = validateWatch(open, { startRevision: 1n })
    await store("a")
    let last: Promise<unknown> = Promise.resolve()
    await registry.sql.begin(async (sql) => {
      await sql`select count(*) from trust_chains`
      await store("b")
      await store("c")
      await sql`update trust_chains set authority_id = 'org-slow' where agent_id = 'a'`
      last = store("d").catch(() => undefined)
      await until("a writer waits", async () => {
        const rows = await registry.sql`select from pg_locks where locktype = 'advisory' and not granted`
        return rows.length > 0
      })
      expect(told(watch.events).at(-1)).to.not.equal("CREATED d +")
    })
    await last
    await store("e")
    await watch.reachesHead(registry.sql)
    expect(told(watch.events)).to.include("UPDATED a +")
    await watch.agreesWith(registry.sql)
    await watch.stop()
  })

  it("ends with its caller, and leaves nothing behind", async () => {
    const watch = validateWatch(open)
    await watch.reaches(1n)
    await watch.stop()
    await until("the server has noticed", () =>
      registry.log.some(({ rpc, method }) => String(rpc ?? method).includes("WatchChains")),
    )
    await store("a")
    await registry.stopServer()
  })

  it("ends when the server stops, with the revision to resume from, even if its reader does not read", async () => {
    await store("a")
    const watch = validateWatch(open)
    await watch.reaches(2n)
    const idle = calls()
      .watchChains({ startRevision: 1n }, { timeoutMs: scaled(120_000) })
      [Symbol.asyncIterator]()
    await idle.next()
    await registry.stopServer()
    const error = watch.failure as Parameters<typeof detailsOf>[0] & { code: number }
    expect(error.code).to.equal(Code.UNAVAILABLE)
    expect(detailsOf(error).info).to.deep.include({ reason: "SHUTTING_DOWN" })
    expect(detailsOf(error).info?.metadata.next_revision).to.equal("2")
    await idle.return?.()
  })

  it("ends if the database has a different history", async () => {
    await store("a")
    const watch = validateWatch(open, { startRevision: 1n })
    await watch.reachesHead(registry.sql)
    // As after a failover to a database that has lost this change and made another one under its number.
    await registry.sql`update trust_chain_revisions set request_id = gen_random_uuid()`
    const error = await until("the watch has ended", () => watch.failure !== undefined && watch.failure)
    expect(detailsOf(error as Parameters<typeof detailsOf>[0]).info?.reason).to.equal("REVISION_COMPACTED")
    const anew = validateWatch(open, { includeCurrent: true })
    await anew.reachesHead(registry.sql)
    expect(told(anew.events)).to.deep.equal(["CURRENT a +"])
    await anew.stop()
  })

  it("resumes at another server where it was, with nothing missing or repeated", async () => {
    const watch = validateWatch(open, { startRevision: 1n })
    for (let i = 0; i < 20; i++) await store(`agent-${i}`)
    await watch.reaches(5n)
    await registry.restart()
    line.close()
    line = connectTo(registry.address)
    for (let i = 20; i < 40; i++) await store(`agent-${i}`)
    await watch.resume(open)
    await watch.reachesHead(registry.sql)
    expect(watch.events).to.have.lengthOf(40)
    expect(watch.events.every(({ word }) => word === "CREATED")).to.equal(true)
    await watch.agreesWith(registry.sql)
    await watch.stop()
  })
})
