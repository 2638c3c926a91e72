import { getEventListeners } from "node:events"
import { create } from "@bufbuild/protobuf"
import { StringValueSchema } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import { ErrorReason } from "@trust-registry/proto"
import { expect } from "chai"
import { RegistryError } from "../../server/errors.js"
import { createLog } from "../../server/log.js"
import { detailsOf, failureOf } from "../support/calls.js"
import { type EchoHandlers, type EchoSetup, startEcho } from "../support/echo.js"
import { until } from "../support/until.js"

const text = (value: string) => create(StringValueSchema, { value })

describe("the middleware", () => {
  let stop: (() => void) | undefined
  afterEach(() => stop?.())

  async function echo(handlers: Partial<EchoHandlers>, setup?: EchoSetup) {
    const started = await startEcho(handlers, setup)
    stop = started.stop
    return started
  }

  /** Waits for the signal, and gives its reason. */
  const reasonOf = (signal: AbortSignal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)))

  it("sends all replies of a failing stream before its status", async () => {
    const sizes = [200_000, 100_000, 20_000, 1]
    async function* replies() {
      for (const size of sizes) yield text("x".repeat(size))
      throw new RegistryError(ErrorReason.TRUST_CHAIN_CORRUPT, "after the replies")
    }
    const { calls, ends } = await echo({ many: replies, talk: replies })
    for (const call of [calls.many({}), calls.talk(none())]) {
      const read = call[Symbol.asyncIterator]()
      const seen = [(await read.next()).value.value.length]
      // The status is ready long before its reader comes to the last replies.
      const error = await failureOf(
        (async () => {
          for (let next = await read.next(); !next.done; next = await read.next()) {
            seen.push(next.value.value.length)
            await new Promise((resolve) => setImmediate(resolve))
          }
        })(),
      )
      expect(error.details).to.match(/^after the replies; /)
      expect(seen).to.deep.equal(sizes)
    }
    expect(ends).to.deep.equal([Code.DATA_LOSS, Code.DATA_LOSS])
  })

  it("lets a handler finish while draining, even if its reader does not read", async () => {
    let ended = false
    const { calls, draining, ends } = await echo({
      async *many(_, { draining }) {
        try {
          while (!draining.aborted) yield text("x".repeat(300_000))
        } finally {
          ended = true
        }
      },
    })
    const replies = calls.many({})[Symbol.asyncIterator]()
    await replies.next()
    draining.abort()
    await until("the handler ends", () => ended)
    for (;;) if ((await replies.next()).done) break
    await until("the calls end", () => ends.length === 1)
    expect(ends).to.deep.equal([Code.OK])
  })

  it("fails pending calls at the cutoff, and gives the handler the reason", async () => {
    const reasons: Promise<unknown>[] = []
    const { calls, middleware, ends } = await echo({
      one(_, { signal }) {
        reasons.push(reasonOf(signal))
        return new Promise(() => undefined)
      },
    })
    const failed = failureOf(calls.one({}))
    await until("the handler runs", () => reasons.length === 1)
    middleware.cutOff()
    const error = await failed
    expect(error.code).to.equal(Code.UNAVAILABLE)
    expect(detailsOf(error).info?.reason).to.equal("SHUTTING_DOWN")
    expect(await reasons[0]).to.be.instanceOf(RegistryError)
    expect(ends).to.deep.equal([Code.UNAVAILABLE])
  })

  it("forgets a call once it has ended", async () => {
    const signals: AbortSignal[] = []
    const seen = (signal: AbortSignal) => {
      signals.push(signal)
      return text("fine")
    }
    const { calls, draining, middleware, ends } = await echo({
      async one({ value }, { signal }) {
        seen(signal)
        if (value === "fail") throw new RegistryError(ErrorReason.OVERLOADED, "no")
        return text("fine")
      },
      async *many(_, { signal }) {
        yield seen(signal)
      },
      gather: async (_, { signal }) => seen(signal),
      async *talk(_, { signal }) {
        yield seen(signal)
      },
    })
    await calls.one({})
    await failureOf(calls.one({ value: "fail" }))
    for await (const _ of calls.many({}));
    await calls.gather(none())
    for await (const _ of calls.talk(none()));
    await until("the calls end", () => ends.length === 5)
    // What cuts off the calls that are pending must not find one that is over, nor a listener that it left.
    middleware.cutOff()
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false, false, false, false])
    expect(getEventListeners(draining.signal, "abort")).to.deep.equal([])
    for (const signal of signals) expect(getEventListeners(signal, "abort")).to.deep.equal([])
  })

  it("does not abort the signal of a finished call, though grpc-js emits cancelled then", async () => {
    const signals: AbortSignal[] = []
    const { calls, client, ends } = await echo({
      one(_, { signal }) {
        signals.push(signal)
        return text("fine")
      },
    })
    await calls.one({})
    await calls.one({})
    await until("the calls end", () => ends.length === 2)
    client.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false])
  })

  it("notifies a handler that its caller cancelled", async () => {
    const reasons: Promise<unknown>[] = []
    const { calls, ends } = await echo({
      async *many(_, { signal }) {
        const reason = reasonOf(signal)
        reasons.push(reason)
        yield text("first")
        throw await reason
      },
    })
    const cancel = new AbortController()
    const replies = calls.many({}, { signal: cancel.signal })[Symbol.asyncIterator]()
    await replies.next()
    cancel.abort()
    await failureOf(replies.next())
    await until("the calls end", () => ends.length === 1)
    expect(ends).to.deep.equal([Code.CANCELLED])
    expect(await reasons[0]).to.include({ reason: ErrorReason.CANCELLED })
  })

  it("limits a unary call by the earlier of the caller's and the server's deadline, and no stream", async () => {
    const deadlines: number[] = []
    const { calls } = await echo(
      {
        one(_, { deadline }) {
          deadlines.push(deadline - performance.now())
          return text("fine")
        },
        async *many(_, { deadline }) {
          deadlines.push(deadline)
          yield text("fine")
        },
      },
      { callTimeoutMs: 60_000 },
    )
    await calls.one({}, { timeoutMs: 600_000 })
    await calls.one({}, { timeoutMs: 30_000 })
    for await (const _ of calls.many({}));
    expect(deadlines[0]).to.be.within(30_001, 61_000)
    expect(deadlines[1]).to.be.at.most(30_100)
    expect(deadlines[2]).to.equal(Number.POSITIVE_INFINITY)
  })

  it("fails aborted work with the reason for the abort", async () => {
    const { calls } = await echo(
      {
        one: (_, { signal }) =>
          new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))),
          ),
      },
      { callTimeoutMs: 50 },
    )
    const error = await failureOf(calls.one({}))
    expect(error.code).to.equal(Code.DEADLINE_EXCEEDED)
    expect(detailsOf(error).info?.reason).to.equal("DEADLINE_EXCEEDED")
  })

  it("hides an AbortError that does not come from the call", async () => {
    const { calls } = await echo({
      one() {
        throw new DOMException("inside", "AbortError")
      },
    })
    expect((await failureOf(calls.one({}))).code).to.equal(Code.INTERNAL)
  })

  it("logs each call once, however it ends", async () => {
    const lines: { method: string; code: string; msg: string }[] = []
    const log = createLog("debug", { write: (line: string) => void lines.push(JSON.parse(line)) })
    const { calls } = await echo(
      {
        one({ value }) {
          if (value === "fail") throw new RegistryError(ErrorReason.OVERLOADED, "no")
          return text("fine")
        },
        async *many() {
          yield text("fine")
        },
      },
      { log },
    )
    await calls.one({})
    await failureOf(calls.one({ value: "fail" }))
    for await (const _ of calls.many({}));
    await until("the calls are logged", () => lines.length === 3)
    expect(lines.map(({ method, code, msg }) => [method, code, msg])).to.deep.equal([
      ["test.Echo/One", "OK", "answered"],
      ["test.Echo/One", "RESOURCE_EXHAUSTED", "failed"],
      ["test.Echo/Many", "OK", "answered"],
    ])
  })
})

/** A stream of requests without any. */
async function* none() {}
