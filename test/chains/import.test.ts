import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { setImmediate } from "node:timers/promises"
import type { MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  decode,
  encode,
  type ImportChainsRequestSchema,
  type ImportChainsResponse,
  ImportChainsResponseSchema,
  methodDefinition,
  SignatureStatus,
  type StoreChainRequestSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { inOrder } from "../../server/dist/service/bulk/inOrder.js"
import { connectTo, detailsIn, detailsOf, failureOf } from "../support/calls.js"
import { embeddedFolder, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"
import { until } from "../support/until.js"

type Request = MessageInitShape<typeof StoreChainRequestSchema>
type Streamed = MessageInitShape<typeof ImportChainsRequestSchema>

describe("ImportChains", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const chains = () => line.calls(TrustStoreService)

  async function open(changes: Parameters<typeof startRegistry>[0] = {}) {
    registry = await startRegistry(changes)
    line = connectTo(registry.address)
  }
  afterEach(async () => {
    line.close()
    await registry?.stop()
  })

  async function* stream(requests: Iterable<Request>): AsyncGenerator<Streamed> {
    for (const request of requests) yield { request }
  }
  const many = (count: number, prefix = "agent") =>
    Array.from({ length: count }, (_, i): Request => ({ chain: sampleChain(`${prefix}-${i}`) }))
  async function storedIds() {
    const rows = await registry.sql<{ agent_id: string }[]>`select agent_id from trust_chains`
    return rows.map(({ agent_id }) => agent_id)
  }

  /** All answers, and what the stream failed with. */
  async function answersTo(requests: AsyncIterable<Streamed>, options: { signal?: AbortSignal } = {}) {
    const answers: ImportChainsResponse[] = []
    let error: grpc.ServiceError | undefined
    try {
      for await (const answer of chains().importChains(requests, options)) answers.push(answer)
    } catch (thrown) {
      error = thrown as grpc.ServiceError
    }
    expect(answers.map(({ index }) => Number(index))).to.deep.equal(answers.map((_, place) => place))
    return { answers, error, acknowledged: answers.map(agentOf) }
  }

  it("responds to each request in order: stored as by StoreChain, or why not", async () => {
    await open()
    await chains().storeChain({ chain: sampleChain("agent-4") })
    const requests = many(3_000)
    requests[1] = { chain: { genesis: { ...sampleChain("x").genesis, createdAt: "yesterday" } } }
    requests[2] = {}
    requests[3] = { ...requests[3], expectedRevision: 7n }
    requests[5] = { ...requests[5], requestId: "5" }
    requests[6] = { ...requests[6], chainHash: "00" }
    requests[7] = { ...requests[7], expiresAt: timestampFromMs(1_000) }
    requests[8] = { ...requests[8], expectedRevision: -1n }
    const { answers, error } = await answersTo(stream(requests))
    expect(error).to.equal(undefined)
    expect(answers).to.have.length(3_000)
    expect(answers.slice(0, 10).map(said)).to.deep.equal([
      "created agent-0",
      "TRUST_CHAIN_INVALID chain.genesis.created_at",
      "TRUST_CHAIN_INVALID chain",
      "REVISION_CONFLICT",
      "updated agent-4",
      "INVALID_REQUEST request_id",
      "TRUST_CHAIN_INVALID chain_hash",
      "TRUST_CHAIN_INVALID expires_at",
      "INVALID_REQUEST expected_revision",
      "created agent-9",
    ])
    expect(answers.slice(9).map(said)).to.deep.equal(
      requests.slice(9).map((_, i) => `created agent-${i + 9}`),
    )
    const told = await until("it is logged", () =>
      registry.log.find(({ method }) => String(method).endsWith("/ImportChains")),
    )
    expect(told).to.include({ code: "OK", created: 2_992, updated: 1, refused: 7 })
    // Gathered, not one by one.
    const [rows] = await registry.sql`select count(distinct xmin::text) as transactions from trust_chains`
    expect(Number(rows?.transactions)).to.be.below(1_500)
  })

  it("applies chains of one agent in order, and each request_id once", async () => {
    await open()
    const requests = Array.from({ length: 400 }, (_, i): Request => {
      const { genesis } = sampleChain(i % 2 ? "same" : `other-${i % 7}`)
      return { chain: { genesis: { ...genesis, metadataJson: `{"version":${i}}` } }, requestId: randomUUID() }
    })
    const { answers } = await answersTo(stream(requests))
    const rows = await registry.sql`select chain_data->'genesis'->>'metadata_json' as metadata
      from trust_chain_revisions where agent_id = 'same' order by revision`
    const versions = rows.map(({ metadata }) => JSON.parse(metadata).version)
    expect(versions).to.deep.equal(Array.from({ length: 200 }, (_, i) => 2 * i + 1))
    expect((await answersTo(stream(requests))).answers).to.deep.equal(answers)
  })

  it("validates each chain after those that it depends on: a whole lineage is VERIFIED", async () => {
    await open()
    const keys = [{ keyId: "1", publicKey: signerOf("org-a").publicKey }]
    const authority = {
      id: "org-a",
      name: "A",
      authorityType: AuthorityType.ORGANIZATION,
      keys,
      permissions: usualPermissions(),
    }
    await line.calls(AuthorityService).registerAuthority({ authority })
    const world = trustWorld()
    const requests: Request[] = []
    for (let family = 0; family < 20; family++) {
      requests.push({ chain: await world.establish(`f${family}-0`) })
      for (let i = 1; i <= 10; i++)
        requests.push({ chain: await world.delegate(`f${family}-${i - 1}`, `f${family}-${i}`) })
    }
    const { answers } = await answersTo(stream(requests))
    for (const answer of answers) {
      expect(said(answer)).to.match(/^created f/)
      if (answer.result?.result.case === "stored")
        expect(answer.result.result.value.record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
    }
  })

  it("accepts a bounded number of chains while responses are not read, and resumes when they are", async () => {
    await open()
    const { path } = methodDefinition(TrustStoreService.method.importChains)
    const same = (bytes: Buffer) => bytes
    const call = line.channel.makeBidiStreamRequest(path, same, same)
    const count = 12_000
    const sent = (async () => {
      const chain = (i: number) => ({
        request: { chain: { genesis: { ...sampleChain(`agent-${i}`).genesis, metadataJson: PAD } } },
      })
      for (let i = 0; i < count; i++)
        if (!call.write(encode(TrustStoreService.method.importChains.input, chain(i))))
          await once(call, "drain")
      call.end()
    })()
    sent.catch(() => undefined)
    // grpc-js takes all that comes until the first is read; from then on it holds back what is not.
    const reading = call[Symbol.asyncIterator]()
    const answers = [answerOf((await reading.next()).value)]
    let before = -1
    const stalled = await until("no more is stored", async () => {
      const now = (await storedIds()).length
      const still = now >= 1_000 && now === before
      before = now
      if (still) return now
      await new Promise((resolve) => setTimeout(resolve, 300))
      return false
    })
    // 2,000 open ones, and the answers that are on their way through the line.
    expect(stalled).to.be.at.most(4_000)
    for (let next = await reading.next(); !next.done; next = await reading.next())
      answers.push(answerOf(next.value))
    await sent
    expect(answers.map(said)).to.deep.equal(answers.map((_, i) => `created agent-${i}`))
    expect(answers).to.have.length(count)
  })

  it("accepts 100 chains of the largest size while responses are not read", async () => {
    await open()
    const text = "x".repeat(900_000)
    const { path } = methodDefinition(TrustStoreService.method.importChains)
    const same = (bytes: Buffer) => bytes
    const call = line.channel.makeBidiStreamRequest(path, same, same)
    call.on("error", () => undefined)
    void (async () => {
      for (let i = 0; i < 100; i++) {
        const chain = {
          genesis: { ...sampleChain(`large-${i}`).genesis, metadataJson: `{"text":"${text}"}` },
        }
        if (!call.write(encode(TrustStoreService.method.importChains.input, { request: { chain } })))
          await once(call, "drain")
      }
    })()
    await until("all are stored", async () => (await storedIds()).length === 100)
    call.cancel()
  })

  it("keeps what it acknowledged when the caller cancels, and keeps serving", async () => {
    await open()
    const stop = new AbortController()
    let acknowledged: string[] = []
    const seen: string[] = []
    try {
      for await (const answer of chains().importChains(stream(many(20_000)), { signal: stop.signal })) {
        seen.push(agentOf(answer))
        if (seen.length === 500) stop.abort(new Error("enough"))
      }
    } catch (error) {
      expect((error as Error).message).to.equal("enough")
      acknowledged = seen
    }
    expect(acknowledged).to.have.length(500)
    const stored = new Set(await storedIds())
    for (const id of acknowledged) expect(stored.has(id)).to.equal(true)
    expect(stored.size).to.be.below(20_000)
    const told = await until("the call has ended", () =>
      registry.log.find(({ method }) => String(method).endsWith("/ImportChains")),
    )
    expect(told).to.include({ code: "CANCELLED" })
    expect((await answersTo(stream(many(10, "later")))).answers).to.have.length(10)
  })

  it("ends with SHUTTING_DOWN when the server stops, after responding to everything it stored", async () => {
    await open()
    let stopped: Promise<void> | undefined
    async function* endless() {
      for (let i = 0; ; i++) {
        yield { request: { chain: sampleChain(`agent-${i}`) } }
        if (i === 2_000) await until("some are stored", async () => (await storedIds()).length > 500)
        if (i === 5_000) stopped = registry.stopServer()
      }
    }
    const { acknowledged, error } = await answersTo(endless())
    expect(error?.code).to.equal(grpc.status.UNAVAILABLE)
    const { info, retry } = detailsOf(error as grpc.ServiceError)
    expect(info?.reason).to.equal("SHUTTING_DOWN")
    expect(retry).to.not.equal(undefined)
    await stopped
    expect((await storedIds()).sort()).to.deep.equal([...acknowledged].sort())
  })

  it("ends an idle stream too when the server stops", async () => {
    await open()
    async function* idle() {
      yield { request: { chain: sampleChain("one") } }
      await new Promise(() => undefined)
    }
    const ended = answersTo(idle())
    await until("it is stored", async () => (await storedIds()).length === 1)
    await registry.stopServer()
    const { acknowledged, error } = await ended
    expect(acknowledged).to.deep.equal(["one"])
    expect(detailsOf(error as grpc.ServiceError).info?.reason).to.equal("SHUTTING_DOWN")
  })

  it("responds to everything before bytes that are not a request, and names the error", async () => {
    await open()
    const { path, requestSerialize } = methodDefinition(TrustStoreService.method.importChains)
    const same = (bytes: Buffer) => bytes
    const call = line.channel.makeBidiStreamRequest(path, same, same)
    for (const request of many(20)) call.write(requestSerialize({ request }))
    call.write(Buffer.from([0x0a, 0xff, 0xff]))
    call.end()
    const answers: ImportChainsResponse[] = []
    const failure = await failureOf(
      (async () => {
        for await (const bytes of call) answers.push(decode(ImportChainsResponseSchema, bytes as Buffer))
      })(),
    )
    expect(failure.code).to.equal(grpc.status.INVALID_ARGUMENT)
    expect(answers).to.have.length(20)
  })

  it("waits while the registry has no room for more writes, and leaves room for single writes", async () => {
    await open({ maxWaitingWrites: 4 })
    const { answers } = await answersTo(stream(many(300)))
    expect(answers.map(said)).to.deep.equal(answers.map((_, i) => `created agent-${i}`))
    expect(answers).to.have.length(300)
    const importing = answersTo(stream(many(2_000, "second")))
    for (let i = 0; i < 20; i++) await chains().storeChain({ chain: sampleChain(`single-${i}`) })
    expect((await importing).answers).to.have.length(2_000)
  })

  it("reports a row that the database refuses, and stores its neighbours", async () => {
    await open()
    await registry.sql`alter table trust_chains add check (agent_id <> 'agent-7')`
    const { answers } = await answersTo(stream(many(50)))
    expect(answers.map(said)).to.deep.equal(
      answers.map((_, i) => (i === 7 ? "INTERNAL" : `created agent-${i}`)),
    )
    expect(registry.log.filter(({ level, msg }) => level === "error" && msg === "failed")).to.have.length(1)
  })

  it("continues when the database is slow, with smaller transactions", async () => {
    await open()
    await registry.sql`create function slow() returns trigger language plpgsql as
      'begin perform pg_sleep(0.003); return new; end'`
    await registry.sql`create trigger slow before insert on trust_chains for each row execute function slow()`
    const { answers, error } = await answersTo(stream(many(1_500)))
    expect(error).to.equal(undefined)
    expect(answers.map(said)).to.deep.equal(answers.map((_, i) => `created agent-${i}`))
    expect(answers).to.have.length(1_500)
  })

  it("ends with DATABASE_UNAVAILABLE while the database is busy, after responding to what was stored", async () => {
    await open()
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let holding: Promise<unknown> | undefined
    async function* interrupted() {
      yield* stream(many(100))
      await until("they are stored", async () => (await storedIds()).length === 100)
      holding = registry.sql.begin(async (sql) => {
        await sql`select trust_lock()`
        await held
      })
      await until("the lock is held", async () => {
        const rows = await registry.sql`select 1 from pg_locks where locktype = 'advisory' and granted`
        return rows.length > 0
      })
      yield* stream(many(100, "late"))
    }
    const { acknowledged, error } = await answersTo(interrupted())
    release?.()
    await holding
    expect(detailsOf(error as grpc.ServiceError).info?.reason).to.equal("DATABASE_UNAVAILABLE")
    expect(acknowledged).to.deep.equal(many(100).map((_, i) => `agent-${i}`))
    expect((await storedIds()).filter((id) => id.startsWith("late"))).to.deep.equal([])
  })
})

describe("a crash during imports", () => {
  it("loses no acknowledged chain when the server is killed", async () => {
    const folder = await embeddedFolder()
    const args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.dataDir]
    const serve = () => spawnServer([...args, "--database-timeout-ms", "20000"])
    let server = serve()
    let line = connectTo(await server.address())
    const acknowledged = new Map<string, bigint>()
    try {
      for (let round = 0; round < 2; round++) {
        async function* endless() {
          for (let i = 0; ; i++) yield { request: { chain: sampleChain(`agent-${round}-${i}`) } }
        }
        const enough = acknowledged.size + 1_500
        try {
          for await (const answer of line.calls(TrustStoreService).importChains(endless())) {
            const record = recordIn(answer)
            acknowledged.set(record?.agentId ?? "", record?.revision ?? 0n)
            if (acknowledged.size === enough) server.signal("SIGKILL")
          }
        } catch (error) {
          expect((error as grpc.ServiceError).code).to.equal(grpc.status.UNAVAILABLE)
        }
        // An import that a busy database ended has told less, and holds to the same.
        server.signal("SIGKILL")
        await server.ended
        line.close()
        server = serve()
        line = connectTo(await server.address())
        const ids = [...acknowledged.keys()]
        for (let i = 0; i < ids.length; i += 1_000) {
          const { found } = await line
            .calls(TrustStoreService)
            .batchGetChains({ agentIds: ids.slice(i, i + 1_000) })
          for (const { record } of found)
            expect(record?.revision).to.equal(acknowledged.get(record?.agentId ?? ""))
          expect(found).to.have.length(Math.min(1_000, ids.length - i))
        }
      }
    } finally {
      line.close()
      server.signal("SIGKILL")
      await server.ended
      await folder.end()
    }
  })
})

/** Makes an answer's record large enough that the line holds few of them. */
const PAD = `{"pad":"${"x".repeat(200)}"}`

function answerOf(bytes: unknown) {
  return decode(ImportChainsResponseSchema, bytes as Buffer)
}

function recordIn({ result }: ImportChainsResponse) {
  return result?.result.case === "stored" ? result.result.value.record : undefined
}

function agentOf(answer: ImportChainsResponse): string {
  return recordIn(answer)?.agentId ?? ""
}

/** An answer in short: `created agent`, or the reason and the first field. */
function said({ result }: ImportChainsResponse): string {
  if (result?.result.case === "stored") {
    const { created, record } = result.result.value
    return `${created ? "created" : "updated"} ${record?.agentId}`
  }
  if (result?.result.case !== "error") throw new Error("an answer without a result")
  const { info, badRequest } = detailsIn(result.result.value)
  return [info?.reason, badRequest?.fieldViolations[0]?.field].filter(Boolean).join(" ")
}

describe("import concurrency", () => {
  it("is limited by count and by bytes, and each response frees room", async () => {
    for (const [bounds, most] of [
      [{ items: 5, bytes: 1_000 }, 5],
      [{ items: 100, bytes: 20 }, 4],
    ] as const) {
      const ends: (() => void)[] = []
      const begin = () => ({ answer: new Promise<void>((resolve) => ends.push(resolve)), bytes: 6 })
      const items = async function* () {
        for (let item = 0; item < 50; item++) yield item
      }
      const stop = { signal: new AbortController().signal, error: () => new Error("stopped") }
      const answers = inOrder(items(), begin, bounds, stop)
      for (let taken = 0; taken < 50; taken++) {
        const answer = answers.next()
        for (let turn = 0; turn < 3; turn++) await setImmediate()
        expect(ends.length).to.equal(Math.min(50, taken + most))
        ends[taken]?.()
        await answer
      }
      expect((await answers.next()).done).to.equal(true)
    }
  })
})
