import dns from "node:dns"
import { once } from "node:events"
import { connect, type TrustRegistry } from "@trust-registry/client"
import { expect } from "chai"
import { startTcpProxy } from "../support/tcpProxy.js"
import { type StoreHandlers, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

describe("the sockets of the client", () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function serve(handlers: Partial<StoreHandlers>, port = 0, host = "127.0.0.1") {
    const server = await startTrustStore(handlers, undefined, port, host)
    closing.push(server.stop)
    return server
  }

  function open(...args: Parameters<typeof connect>): TrustRegistry {
    const registry = connect(...args)
    closing.push(() => registry.close())
    return registry
  }

  it("are one for each connect, so that several reach several workers", async () => {
    const { port } = await serve({ countChains: () => ({ count: 1n }) })
    const proxy = await startTcpProxy(port)
    closing.push(proxy.close)
    const registries = Array.from({ length: 4 }, () => open(`127.0.0.1:${proxy.port}`))
    await Promise.all(registries.map((registry) => registry.countChains({})))
    expect(proxy.opened).to.equal(4)
    await Promise.all(registries.map((registry) => registry.countChains({})))
    expect(proxy.opened).to.equal(4)
  })

  it("carry calls, an import and an export beside more than a thousand open watches", async () => {
    let watches = 0
    const { address } = await serve({
      async *watchChains(_, { signal }) {
        watches++
        yield { nextRevision: 1n }
        if (!signal.aborted) await once(signal, "abort")
      },
      countChains: () => ({ count: 1n }),
      async *exportChains() {
        yield { part: { case: "snapshotRevision", value: 5n } }
      },
    })
    const registry = open(address)
    const stop = new AbortController()
    const warnings: string[] = []
    const hear = ({ name }: Error) => warnings.push(name)
    process.on("warning", hear)
    const watching = Array.from({ length: 1_200 }, async () => {
      for await (const _ of registry.watchChains({}, { signal: stop.signal }).responses());
    })
    const all = Promise.allSettled(watching)
    await until("all are open", () => watches === 1_200, 60_000)
    expect((await registry.countChains({})).count).to.equal(1n)
    const exported = registry.exportChains({}, { timeoutMs: 20_000 })
    for await (const _ of exported);
    expect(exported.snapshotRevision).to.equal(5n)
    stop.abort()
    expect((await all).every(({ status }) => status === "rejected")).to.equal(true)
    process.off("warning", hear)
    expect(warnings).to.deep.equal([])
  }).timeout(120_000)

  it("lead to a name's new address soon after the old one has gone", async () => {
    // grpc-js asks the system's resolver, which a test cannot move a name in.
    const { lookup } = dns.promises
    let address = "127.0.0.1"
    dns.promises.lookup = (async (name: string, options: object) =>
      name === "registry.test" ? [{ address, family: 4 }] : lookup(name, options)) as typeof lookup
    closing.push(() => {
      dns.promises.lookup = lookup
    })
    const first = await serve({ countChains: () => ({ count: 1n }) })
    const second = await serve({ countChains: () => ({ count: 2n }) }, first.port, "127.0.0.2")
    const registry = open(`registry.test:${second.port}`, {
      insecure: true,
      timeoutMs: 20_000,
    })
    expect((await registry.countChains({})).count).to.equal(1n)
    address = "127.0.0.2"
    first.stop()
    // grpc-js alone looks a name up every 30 s at most, and a call makes five attempts in 3 s.
    const counts: bigint[] = []
    await until("the new address answers", async () => {
      counts.push((await registry.countChains({})).count)
      return counts.at(-1) === 2n
    })
  }).timeout(60_000)
})

describe("one signal", () => {
  it("cancels any number of calls and waits without a warning", async () => {
    const server = await startTrustStore({
      async countChains(_, { signal }) {
        await once(signal, "abort")
        return {}
      },
    })
    const registry = connect(server.address, { timeoutMs: 60_000 })
    const nobody = connect("127.0.0.1:1", { timeoutMs: 60_000 })
    const warnings: string[] = []
    const hear = ({ name }: Error) => warnings.push(name)
    process.on("warning", hear)
    const stop = new AbortController()
    const waiting: Promise<unknown>[] = []
    const options = { signal: stop.signal }
    let lost = 0
    const onState = () => void lost++
    const all = async (items: AsyncIterable<unknown>) => {
      for await (const _ of items);
    }
    for (let i = 0; i < 15; i++) {
      waiting.push(registry.countChains({}, options))
      waiting.push(all(nobody.watchChains({}, { ...options, onState }).responses()))
      waiting.push(all(nobody.exportChains({}, options)), all(nobody.importChains([{}], options)))
    }
    const outcomes = Promise.allSettled(waiting)
    await until("the watches wait", () => lost === 15)
    const reason = new RangeError("enough")
    stop.abort(reason)
    for (const outcome of await outcomes) expect(outcome).to.deep.equal({ status: "rejected", reason })
    process.off("warning", hear)
    expect(warnings).to.deep.equal([])
    registry.close()
    nobody.close()
    server.stop()
  }).timeout(60_000)
})
