import { constants } from "node:http2"
import { create } from "@bufbuild/protobuf"
import { connect, status, type TrustRegistry, TrustStoreError } from "@trust-registry/client"
import { ErrorInfoSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { TrustStoreError as OwnError } from "../../client/errors.js"
import { isLostLine } from "../../client/resume.js"
import { failureOf } from "../support/calls.js"
import { type Break, type Http2Proxy, startHttp2Proxy } from "../support/http2Proxy.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants
const { NGHTTP2_INADEQUATE_SECURITY, NGHTTP2_REFUSED_STREAM } = constants

/** What proxies and HTTP/2 say of a line that they give up. */
const BREAKS: Break[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((grpcStatus) => ({ grpcStatus })),
  ...[
    NGHTTP2_NO_ERROR,
    NGHTTP2_CANCEL,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_INADEQUATE_SECURITY,
    NGHTTP2_REFUSED_STREAM,
  ].map((reset) => ({ reset })),
  { goaway: NGHTTP2_ENHANCE_YOUR_CALM, data: "too_many_pings" },
  { goaway: NGHTTP2_NO_ERROR },
]

/** The same for a first call, at which some statuses are denials. */
const AT_FIRST: Break[] = [
  ...[429, 502, 503, 504].map((httpStatus) => ({ httpStatus })),
  ...BREAKS.filter((how) =>
    "grpcStatus" in how
      ? [1, 2, 4, 8, 10, 13, 14, 15].includes(how.grpcStatus)
      : !("reset" in how && how.reset === NGHTTP2_INADEQUATE_SECURITY),
  ),
]

describe("a status without a reason of the registry", () => {
  let server: TestRegistry
  let proxy: Http2Proxy
  let registry: TrustRegistry
  beforeEach(async () => {
    server = await startRegistry()
    proxy = await startHttp2Proxy(server.address)
    registry = connect(proxy.address, { timeoutMs: 20_000 })
  })
  afterEach(async () => {
    registry.close()
    proxy.close()
    await server.stop()
  })

  const chains = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ chain: sampleChain(`a-${i + 100}`) }))
  const fill = async (count: number) => {
    const results = await registry.batchStoreChains({ requests: chains(count) as never })
    expect(results.filter(({ error }) => error)).to.deep.equal([])
  }

  it("ends no watch: each goes on where it was", async () => {
    const stop = new AbortController()
    const seen: string[] = []
    proxy.breakNext("/WatchChains", { grpcStatus: 14 }, 1, 1)
    const watching = (async () => {
      const watch = registry.watchChains({ startRevision: 1n }, { signal: stop.signal })
      for await (const { kind } of watch)
        if (kind.case === "changed") seen.push(`${kind.value.stored?.record?.revision}`)
    })().catch((error) => error)
    for (const how of [...BREAKS, { httpStatus: 403 }, { httpStatus: 404 }, { httpStatus: 504 }]) {
      // One that was open, and one that could not be had again.
      if (!("httpStatus" in how)) proxy.breakNext("/WatchChains", how, 1, 1)
      proxy.breakNext("/WatchChains", how)
    }
    let stored = 0
    const storing = async () => {
      await registry.storeChain({ chain: sampleChain(`w-${stored}`) })
      stored++
      return proxy.waiting === 0
    }
    await Promise.race([
      watching.then((error) => expect.fail(String(error?.stack))),
      until("all breaks were met", storing, 100_000),
    ])
    await until("all was seen", () => seen.length === stored)
    stop.abort()
    await watching
    expect(new Set(seen).size).to.equal(seen.length)
  }).timeout(120_000)

  it("ends no list and no read", async () => {
    await fill(30)
    for (const how of AT_FIRST) {
      proxy.breakNext("/ListChains", how, 2)
      const ids: string[] = []
      for await (const { record } of registry.listChains({ pageSize: 10 })) ids.push(record?.agentId ?? "")
      expect(ids, JSON.stringify(how)).to.have.length(30)
    }
  }).timeout(120_000)

  it("ends no export: it goes on behind the last chain, at the same revision", async () => {
    await fill(30)
    for (const how of BREAKS.filter((how) => !("grpcStatus" in how) || how.grpcStatus !== 0)) {
      proxy.breakNext("/ExportChains", how, 2, 2_000)
      const exported = registry.exportChains()
      const ids: string[] = []
      for await (const { record } of exported) ids.push(record?.agentId ?? "")
      expect(ids, JSON.stringify(how)).to.deep.equal(chains(30).map(({ chain }) => chain.genesis?.agentId))
    }
  }).timeout(120_000)

  it("ends no import: what has no result is sent again with the same request ids, and stored once", async () => {
    // Node sends a reset without an error only once both sides of the stream have ended.
    for (const how of BREAKS.filter((how) => !("reset" in how && how.reset === NGHTTP2_NO_ERROR))) {
      const before = await server.sql`select count(*)::int as n from trust_chain_revisions`
      proxy.breakNext("/ImportChains", how, 2, 200)
      const indexes: number[] = []
      for await (const { index, error } of registry.importChains(chains(300))) {
        expect(error, JSON.stringify(how)).to.equal(undefined)
        indexes.push(index)
      }
      expect(indexes, JSON.stringify(how)).to.deep.equal(chains(300).map((_, index) => index))
      const after = await server.sql`select count(*)::int as n from trust_chain_revisions`
      expect(after[0]?.n - before[0]?.n, JSON.stringify(how)).to.equal(300)
    }
  }).timeout(240_000)

  it("is an answer where it denies a watch from the start, and is given up in time by the others", async () => {
    for (const grpcStatus of [3, 7, 12, 16]) {
      proxy.breakNext("/WatchChains", { grpcStatus })
      const first = registry.watchChains().responses()[Symbol.asyncIterator]().next()
      expect(await failureOf(first)).to.include({ code: grpcStatus, reason: undefined })
    }
    const impatient = connect(proxy.address, { timeoutMs: 300 })
    for (const path of ["/ExportChains", "/ImportChains", "/ListChains"])
      proxy.breakNext(path, { grpcStatus: 10 }, 1_000)
    const all = async (items: AsyncIterable<unknown>) => {
      for await (const _ of items);
    }
    for (const items of [
      impatient.exportChains(),
      impatient.importChains(chains(1)),
      impatient.listChains(),
      impatient.watchChains({}, { timeoutMs: 300 }),
    ])
      expect(await failureOf(all(items))).to.be.instanceOf(TrustStoreError)
    impatient.close()
  })

  it("is told from one with a reason, also where a proxy gives reasons of its own", () => {
    const info = (domain: string) => create(ErrorInfoSchema, { reason: "DENIED", domain })
    const of = (domain: string) => new OwnError("no", { code: status.UNAVAILABLE, details: [info(domain)] })
    expect([isLostLine(of("proxy.example")), isLostLine(of("trustregistry"))]).to.deep.equal([true, false])
  })
})
