import { Duplex } from "node:stream"
import { create, toBinary } from "@bufbuild/protobuf"
import { StringValueSchema } from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import { encode, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { type Calls, createCalls } from "../../client/rpc/calls.js"
import { IllFormedValueError } from "../../client/rpc/wellFormed.js"
import type { RpcContext } from "../../server/rpc/context.js"
import type { Handlers } from "../../server/rpc/handlers.js"
import type { Middleware } from "../../server/rpc/middleware.js"
import { PlainStatusError } from "../../server/rpc/status.js"
import { type EchoHandlers, startEcho } from "../support/echo.js"
import { scaled } from "../support/slowness.js"

const text = (value: string) => create(StringValueSchema, { value })
const DEADLINE_MS = scaled(20_000)

describe("the gRPC adapter", () => {
  let stop: (() => void) | undefined
  afterEach(() => stop?.())

  async function echo(handlers: Partial<EchoHandlers>) {
    const started = await startEcho(handlers)
    stop = started.stop
    return started
  }

  /** A server that reads streams of requests, and how many of them it saw. */
  async function reading() {
    const reached = { count: 0 }
    const count = async function* (items: AsyncIterable<{ value: string }>) {
      for await (const { value } of items) {
        reached.count++
        yield text(value)
      }
    }
    const started = await echo({
      gather: async (items) => text((await valuesOf(count(items))).join()),
      talk: count,
    })
    return { ...started, reached }
  }

  describe("carries", () => {
    it("a unary call", async () => {
      const { calls, ends } = await echo({ one: ({ value }) => ({ value: `${value}!` }) })
      expect((await calls.one({ value: "ä\u{1F600}" })).value).to.equal("ä\u{1F600}!")
      expect(ends).to.deep.equal([grpc.status.OK])
    })

    it("a string that begins with a byte order mark, in both directions", async () => {
      const seen: string[] = []
      const { calls } = await echo({ one: ({ value }) => ({ value: `\ufeff${seen.push(value)}` }) })
      expect((await calls.one({ value: "\ufeffx" })).value).to.equal("\ufeff1")
      expect(seen).to.deep.equal(["\ufeffx"])
    })

    it("a server stream", async () => {
      const { calls } = await echo({ many: ({ value }) => produce(Number(value)) })
      expect(await valuesOf(calls.many({ value: "3" }))).to.deep.equal(["0", "1", "2"])
    })

    it("a client stream", async () => {
      const { calls } = await echo({ gather: async (items) => text((await valuesOf(items)).join()) })
      expect((await calls.gather(produce(3))).value).to.equal("0,1,2")
    })

    it("a bidirectional stream, with replies after the last request", async () => {
      const { calls } = await echo({
        async *talk(items) {
          let last = ""
          for await (const item of items) {
            last = item.value
            yield item
          }
          yield text(`after ${last}`)
          await later()
          yield text("the end")
        },
      })
      expect(await valuesOf(calls.talk(produce(2)))).to.deep.equal(["0", "1", "after 1", "the end"])
    })

    it("an empty message", async () => {
      const { calls } = await echo({ one: () => ({}), gather: async () => ({}) })
      expect((await calls.one({})).value).to.equal("")
      expect((await calls.gather(produce(0))).value).to.equal("")
    })

    it("messages larger than Node's buffer pool and many small ones at once, intact", async () => {
      const { calls } = await echo({ one: (request) => request })
      const sent = Array.from({ length: 200 }, (_, i) => `${i}:`.padEnd(i % 10 ? 10 + i : 300_000, "x"))
      const got = await Promise.all(sent.map((value) => calls.one({ value })))
      expect(got.map((reply) => reply.value)).to.deep.equal(sent)
    })

    it("replies that are already encoded, even as a view into a larger buffer", async () => {
      const bytes = Buffer.from(toBinary(StringValueSchema, text("kept")))
      const slab = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")])
      const view = slab.subarray(6, 6 + bytes.length)
      const { calls } = await echo({
        one: () => bytes,
        async *many() {
          yield view
          yield encode(StringValueSchema, { value: "made" })
        },
      })
      expect((await calls.one({})).value).to.equal("kept")
      expect(await valuesOf(calls.many({}))).to.deep.equal(["kept", "made"])
    })
  })

  describe("refuses", () => {
    const noMessage = Buffer.from([0x0a, 0x7f, 0x01])
    const invalidUtf8 = Buffer.from([0x0a, 0x02, 0xc3, 0x28])

    for (const [what, bytes] of [
      ["undecodable bytes", noMessage],
      ["invalid UTF-8", invalidUtf8],
    ] as const) {
      it(`${what} in every kind of call, with INVALID_ARGUMENT`, async () => {
        const { client, ends } = await echo({
          one: (request) => request,
          many: () => produce(3),
          gather: async (items) => text((await valuesOf(items)).join()),
          async *talk(items) {
            yield* items
          },
        })
        for (const name of ["One", "Many", "Gather", "Talk"]) {
          const error = await failureOf(rawCall(client, name, bytes))
          expect(error).to.include({ code: grpc.status.INVALID_ARGUMENT })
          expect(error.message).to.contain("the bytes of the request are no google.protobuf.StringValue")
        }
        expect(ends).to.deep.equal(Array(4).fill(grpc.status.INVALID_ARGUMENT))
      })
    }

    it("a lone surrogate before anything is sent, and names the field", async () => {
      const { calls, ends } = await echo({ one: (request) => request })
      const error = await failureOf(calls.one({ value: "half \ud83d of a pair" }))
      expect(error).to.be.instanceOf(IllFormedValueError).and.include({ field: "value" })
      expect(ends).to.deep.equal([])
    })

    it("a lone surrogate deep inside a chain, with its path in proto names", async () => {
      const { client } = await echo({})
      const store = createCalls(TrustStoreService, client, {
        open: () => ({ metadata: new grpc.Metadata(), options: {} }),
        fail: (_method, error) => error as Error,
      })
      const capabilities = [{ constraints: ["fine", "\udc00"] }]
      const error = await failureOf(store.storeChain({ chain: { capabilities } }))
      expect(error).to.include({ field: "chain.capabilities[0].constraints[1]" })
    })

    it("a lone surrogate in a request stream, which ends the call on both sides", async () => {
      const { calls, ends, reached } = await reading()
      const bad = () => untilReached(reached, () => text("\ud800"))
      expect(await failureOf(calls.gather(bad()))).to.include({ field: "value" })
      expect(await failureOf(valuesOf(calls.talk(bad())))).to.include({ field: "value" })
      await until(() => ends.length === 2)
    })
  })

  describe("reports a failure", () => {
    it("of a handler that throws synchronously", async () => {
      const { calls } = await echo({
        one() {
          throw new PlainStatusError(grpc.status.ABORTED, "at once")
        },
        many() {
          throw new PlainStatusError(grpc.status.ABORTED, "at once")
        },
      })
      expect(await failureOf(calls.one({}))).to.include({ code: grpc.status.ABORTED, details: "at once" })
      expect(await failureOf(valuesOf(calls.many({})))).to.include({ code: grpc.status.ABORTED })
    })

    it("in the middle of a stream, immediately after the replies before it", async () => {
      const { calls } = await echo({
        async *many() {
          yield text("first")
          throw new PlainStatusError(grpc.status.DATA_LOSS, "then this")
        },
        async *talk(items) {
          for await (const item of items) {
            yield item
            throw new PlainStatusError(grpc.status.DATA_LOSS, "then this")
          }
        },
      })
      const forever = calls.talk(endless(), { timeoutMs: DEADLINE_MS })
      for (const replies of [calls.many({}, { timeoutMs: DEADLINE_MS }), forever]) {
        const seen: string[] = []
        const error = await failureOf(valuesOf(replies, seen))
        expect(error).to.include({ code: grpc.status.DATA_LOSS, details: "then this" })
        expect(seen).to.have.length(1)
      }
    })

    it("of a client stream that the server refuses before reading it all", async () => {
      const { calls } = await echo({
        async gather(items) {
          for await (const item of items) if (item.value === "1") break
          throw new PlainStatusError(grpc.status.FAILED_PRECONDITION, "enough")
        },
      })
      let ended = false
      async function* requests() {
        try {
          yield* endless()
        } finally {
          ended = true
        }
      }
      const error = await failureOf(calls.gather(requests(), { timeoutMs: DEADLINE_MS }))
      expect(error).to.include({ code: grpc.status.FAILED_PRECONDITION })
      await until(() => ended)
    })

    it("of a reply that cannot be encoded", async () => {
      const wrong = { value: Symbol("no text") } as unknown as { value: string }
      const { calls, ends } = await echo({
        one: () => wrong,
        async *many() {
          yield text("fine")
          yield wrong
        },
      })
      expect(await failureOf(calls.one({}))).to.include({ code: grpc.status.INTERNAL })
      expect(await failureOf(valuesOf(calls.many({})))).to.include({ code: grpc.status.INTERNAL })
      expect(ends).to.deep.equal([grpc.status.INTERNAL, grpc.status.INTERNAL])
    })

    it("of the request source, to the caller and to the server", async () => {
      const { calls, ends, reached } = await reading()
      const broken = () =>
        untilReached(reached, () => {
          throw new RangeError("source broke")
        })
      expect((await failureOf(calls.gather(broken()))).message).to.equal("source broke")
      expect((await failureOf(valuesOf(calls.talk(broken())))).message).to.equal("source broke")
      await until(() => ends.length === 2)
    })
  })

  describe("cancels an abandoned call", () => {
    it("on the caller's signal, with its reason, in every kind of call", async () => {
      const aborted: string[] = []
      const wait = async (name: string, signal: AbortSignal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve))
        aborted.push(name)
        return text("too late")
      }
      const { calls } = await echo({
        one: (_, { signal }) => wait("one", signal),
        async *many(_, { signal }) {
          yield await wait("many", signal)
        },
        gather: (_, { signal }) => wait("gather", signal),
        async *talk(_, { signal }) {
          yield await wait("talk", signal)
        },
      })
      const reason = new RangeError("changed my mind")
      const start: ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => calls.one({}, { signal }),
        (signal) => valuesOf(calls.many({}, { signal })),
        (signal) => calls.gather(endless(), { signal }),
        (signal) => valuesOf(calls.talk(endless(), { signal })),
      ]
      for (const call of start) {
        const abort = new AbortController()
        const outcome = failureOf(call(abort.signal))
        await later(50)
        abort.abort(reason)
        expect(await outcome).to.equal(reason)
        expect(await failureOf(call(AbortSignal.abort(reason)))).to.equal(reason)
      }
      await until(() => aborted.length === 4)
    })

    it("at its deadline, and notifies the handler", async () => {
      const reasons: unknown[] = []
      const { calls } = await echo({
        async one(_, { signal }) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve))
          reasons.push(signal.reason)
          return text("too late")
        },
      })
      const error = await failureOf(calls.one({}, { timeoutMs: 100 }))
      expect(error).to.include({ code: grpc.status.DEADLINE_EXCEEDED })
      await until(() => reasons.length === 1)
    })

    it("when the caller leaves the loop over replies, which ends the server's generator", async () => {
      let ended = false
      const { calls } = await echo({
        async *many() {
          try {
            yield* endless()
          } finally {
            ended = true
          }
        },
      })
      for await (const reply of calls.many({})) if (reply.value === "3") break
      await until(() => ended)
    })

    it("even if its reader is slow and the server waits for it to drain", async () => {
      let ended = false
      let made = 0
      const { calls, ends } = await echo({
        async *many() {
          try {
            for (;;) yield text(`${made++}`.padEnd(50_000))
          } finally {
            ended = true
          }
        },
      })
      const abort = new AbortController()
      const replies = calls.many({}, { signal: abort.signal })[Symbol.asyncIterator]()
      await replies.next()
      await settled(() => made)
      expect(ended).to.equal(false)
      abort.abort()
      expect(await failureOf(replies.next())).to.have.property("name", "AbortError")
      await until(() => ended)
      expect(ends).to.deep.equal([grpc.status.CANCELLED])
    })
  })

  describe("applies backpressure", () => {
    const BIG = 50_000
    // What HTTP/2 windows and stream buffers may hold on both sides together, with room to spare.
    const IN_TRANSIT = 4_000_000

    it("to a server whose client does not read", async () => {
      let made = 0
      const { calls } = await echo({
        async *many() {
          for (; made < 1000; made++) yield text(`${made}`.padEnd(BIG))
        },
      })
      const replies = calls.many({})[Symbol.asyncIterator]()
      await replies.next()
      expect((await settled(() => made)) * BIG).to.be.below(IN_TRANSIT)
      let read = 1
      while (!(await replies.next()).done) read++
      expect(read).to.equal(1000)
    })

    it("to a client whose server does not read, in both kinds of streaming request", async () => {
      let open = () => {}
      const gate = new Promise<void>((resolve) => {
        open = resolve
      })
      const count = async (items: AsyncIterable<unknown>) => {
        await gate
        let n = 0
        for await (const _ of items) n++
        return text(`${n}`)
      }
      const { calls } = await echo({
        gather: count,
        async *talk(items) {
          yield await count(items)
        },
      })
      let made = 0
      async function* requests() {
        for (let i = 0; i < 1000; i++, made++) yield text(`${i}`.padEnd(BIG))
      }
      const gathered = calls.gather(requests())
      const talked = valuesOf(calls.talk(requests()))
      expect((await settled(() => made)) * BIG).to.be.below(2 * IN_TRANSIT)
      open()
      expect((await gathered).value).to.equal("1000")
      expect(await talked).to.deep.equal(["1000"])
    })
  })

  it("is typed: a missing RPC, a wrong field or a wrong reply does not compile", () => {
    const middleware = {} as Middleware
    const handlers = {} as Handlers<typeof TrustStoreService, RpcContext>
    const calls = {} as Calls<typeof TrustStoreService, object>
    const never = () => {
      const { getChain, ...others } = handlers
      // @ts-expect-error getChain is missing
      middleware.service(TrustStoreService, others)
      middleware.service(TrustStoreService, { ...others, getChain })
      // @ts-expect-error a reply has no such field
      middleware.service(TrustStoreService, { ...others, getChain: () => ({ chains: [] }) })
      // @ts-expect-error agentId is text
      calls.getChain({ agentId: 5 })
      // @ts-expect-error no such field
      calls.getChain({ agent_id: "a" })
      // @ts-expect-error no such RPC
      calls.findChain({ agentId: "a" })
      // @ts-expect-error revisions are bigint
      calls.deleteChain({ agentId: "a", expectedRevision: 1 })
    }
    expect(never).to.be.a("function")
  })
})

async function* produce(count: number) {
  for (let i = 0; i < count; i++) yield text(`${i}`)
}

/** One request, and what `then` gives once the server has seen that. */
async function* untilReached(reached: { count: number }, then: () => { value: string }) {
  const before = reached.count
  yield text("fine")
  await until(() => reached.count > before)
  yield then()
}

async function* endless() {
  for (let i = 0; ; i++) {
    yield text(`${i}`)
    await later()
  }
}

async function valuesOf(items: AsyncIterable<{ value: string }>, seen: string[] = []) {
  for await (const item of items) seen.push(item.value)
  return seen
}

function rawCall(client: grpc.Client, name: string, bytes: Buffer): Promise<unknown> {
  const same = (buffer: Buffer) => buffer
  const path = `/test.Echo/${name}`
  return new Promise((resolve, reject) => {
    const done = (error: unknown, value?: unknown) => (error ? reject(error) : resolve(value))
    if (name === "One") return client.makeUnaryRequest(path, same, same, bytes, done)
    if (name === "Gather") return client.makeClientStreamRequest(path, same, same, done).end(bytes)
    const call =
      name === "Many"
        ? client.makeServerStreamRequest(path, same, same, bytes)
        : client.makeBidiStreamRequest(path, same, same)
    if (call instanceof Duplex) call.end(bytes)
    call.on("error", reject).on("end", resolve).resume()
  })
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error("it did not fail")
}

function later(ms = 1): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function until(condition: () => boolean) {
  const deadline = Date.now() + DEADLINE_MS
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it never became true")
    await later(5)
  }
}

/** The number once it has stood still for 300 ms. */
async function settled(number: () => number) {
  for (let before = -1; number() !== before; await later(300)) before = number()
  return number()
}
