import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { create, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { ServerCredentials } from "@grpc/grpc-js"
import { connect, status, type TrustRegistry, TrustStoreDatabaseError } from "@trust-registry/client"
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { isOnThisMachine } from "../../client/address.js"
import { serviceConfig } from "../../client/retry.js"
import { failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { Refusal, Status, type StoreHandlers, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

const pem = (name: string) => readFileSync(new URL(`../support/tls/${name}`, import.meta.url))

describe("the client's line to the registry", () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function serve(...args: Parameters<typeof startTrustStore>) {
    const server = await startTrustStore(...args)
    closing.push(server.stop)
    return server
  }

  function open(...args: Parameters<typeof connect>): TrustRegistry {
    const registry = connect(...args)
    closing.push(() => registry.close())
    return registry
  }

  describe("sends again", () => {
    it("what was unavailable, a write with the same request_id each time", async () => {
      const ids: string[] = []
      const { address } = await serve({
        storeChain({ requestId }) {
          ids.push(requestId)
          if (ids.length < 3) throw new Status(status.UNAVAILABLE, "soon", { "grpc-retry-pushback-ms": "10" })
          return { created: true }
        },
      })
      const registry = open(address)
      expect(await registry.storeChain({ chain: sampleChain("a") })).to.include({ created: true })
      expect(ids).to.have.length(3)
      expect(new Set(ids).size).to.equal(1)
      await registry.storeChain({ chain: sampleChain("a") })
      expect(new Set(ids).size).to.equal(2)
    })

    it("the largest of chains too, many at once", async () => {
      const attempts: Record<string, number> = {}
      const { address } = await serve({
        storeChain({ chain }) {
          const id = chain?.genesis?.agentId ?? ""
          attempts[id] = (attempts[id] ?? 0) + 1
          if (attempts[id] < 2)
            throw new Status(status.UNAVAILABLE, "soon", { "grpc-retry-pushback-ms": "10" })
          return {}
        },
      })
      const registry = open(address)
      const metadataJson = `"${"x".repeat(1_040_000)}"`
      const store = (_: unknown, i: number) =>
        registry.storeChain({ chain: { genesis: { ...sampleChain(`a-${i}`).genesis, metadataJson } } })
      await Promise.all(Array.from({ length: 32 }, store))
      expect(Object.values(attempts)).to.deep.equal(Array.from({ length: 32 }, () => 2))
    })

    it("what was refused because of overload, but no other answer", async () => {
      const counts: Record<string, number> = {}
      const fail = (agentId: string, code: status) => {
        counts[agentId] = (counts[agentId] ?? 0) + 1
        throw new Refusal(code, "A_REASON", { "grpc-retry-pushback-ms": "1" })
      }
      const { address } = await serve({
        getChain: ({ agentId }) => fail(agentId, status[agentId as keyof typeof status]),
      })
      const registry = open(address)
      const codes = [
        "RESOURCE_EXHAUSTED",
        "ABORTED",
        "INTERNAL",
        "NOT_FOUND",
        "DEADLINE_EXCEEDED",
        "DATA_LOSS",
      ]
      for (const agentId of codes) {
        expect(await failureOf(registry.getChain({ agentId }))).to.have.property("code")
      }
      expect(counts).to.deep.equal(Object.fromEntries(codes.map((code, i) => [code, i === 0 ? 5 : 1])))
    })

    it("every unary RPC that the contract calls idempotent, each by an entry of its own", () => {
      const config = serviceConfig(TrustStoreService)
      const names = config.methodConfig.flatMap((entry) => entry.name.map((name) => name.method))
      const unary = TrustStoreService.methods.filter(({ methodKind }) => methodKind === "unary")
      expect(names).to.have.members(unary.map((method) => method.name))
      for (const entry of config.methodConfig) expect(entry.name).to.have.length(1)
    })

    it("what a restart of the registry interrupts: no call of many fails", async () => {
      const handlers: Partial<StoreHandlers> = { countChains: () => ({ count: 1n }) }
      let server = await serve(handlers)
      const registry = open(server.address)
      let running = true
      let done = 0
      const caller = async () => {
        for (; running; done++) await registry.countChains({})
      }
      const callers = Array.from({ length: 8 }, caller)
      for (let round = 0; round < 6; round++) {
        const before = done
        await until("calls pass", () => done > before + 50)
        if (round % 2 === 0) await new Promise<void>((resolve) => server.server.tryShutdown(() => resolve()))
        else server.stop()
        server = await serve(handlers, undefined, server.port)
      }
      const before = done
      await until("calls pass again", () => done > before + 50)
      running = false
      await Promise.all(callers)
    })
  })

  it("tells a database that cannot be reached by its class, with the time to wait", async () => {
    const reason = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "DATABASE_UNAVAILABLE" }))
    const wait = anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { nanos: 250_000_000 } }))
    const details = toBinary(StatusSchema, create(StatusSchema, { details: [reason, wait] }))
    const { address } = await serve({
      getChain() {
        throw new Status(status.UNAVAILABLE, "no database", {
          "grpc-status-details-bin": Buffer.from(details).toString("base64"),
          "grpc-retry-pushback-ms": "-1",
        })
      },
    })
    const error = await failureOf(open(address).getChain({ agentId: "a" }))
    expect(error).to.be.instanceOf(TrustStoreDatabaseError)
    expect(error).to.include({ code: status.UNAVAILABLE, reason: "DATABASE_UNAVAILABLE", retryAfterMs: 250 })
    expect(error).to.have.property("agentId", "a")
  })

  it("gives up after the retries what nobody serves, with the code UNAVAILABLE", async () => {
    const { address, stop } = await serve({})
    stop()
    const error = await failureOf(open(address).getChain({ agentId: "a" }))
    expect(error).to.include({ code: status.UNAVAILABLE, reason: undefined })
    const slow = await failureOf(open(address).waitForReady({ timeoutMs: 200 }) as Promise<unknown>)
    expect(slow).to.include({ code: status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" })
  })

  it("ends a call at its deadline or by its signal", async () => {
    const aborted: string[] = []
    const { address } = await serve({
      async getChain({ agentId }, { signal }) {
        await once(signal, "abort")
        aborted.push(agentId)
        return {}
      },
    })
    const registry = open(address, { timeoutMs: 200 })
    expect(await failureOf(registry.getChain({ agentId: "default" }))).to.include({
      code: status.DEADLINE_EXCEEDED,
      reason: "DEADLINE_EXCEEDED",
      agentId: "default",
    })
    expect(await failureOf(registry.getChain({ agentId: "own" }, { timeoutMs: 50 }))).to.include({
      code: status.DEADLINE_EXCEEDED,
    })
    const abort = new AbortController()
    const call = failureOf(
      registry.getChain({ agentId: "signal" }, { signal: abort.signal, timeoutMs: Infinity }),
    )
    setTimeout(() => abort.abort(), 300)
    expect(await call)
      .to.equal(abort.signal.reason)
      .and.have.property("name", "AbortError")
    const reason = new Error("enough")
    const late = registry.getChain({ agentId: "never sent" }, { signal: AbortSignal.abort(reason) })
    expect(await failureOf(late)).to.equal(reason)
    const list = registry.listChains({}, { signal: AbortSignal.abort(reason) })
    expect(await failureOf(list.page())).to.equal(reason)
    await until("the handlers heard", () => aborted.length === 3)
    expect(aborted).to.deep.equal(["default", "own", "signal"])
  })

  it("finds out that a line is dead, even one that was idle, and opens another", async () => {
    const { port } = await serve({ countChains: () => ({ count: 7n }) })
    const proxy = await startTcpProxy(port)
    closing.push(proxy.close)
    const registry = open(`127.0.0.1:${proxy.port}`, { keepaliveMs: 1000, keepaliveTimeoutMs: 300 })
    await registry.countChains({})
    expect(proxy.opened).to.equal(1)
    proxy.freeze()
    await until("a new line is open", async () => {
      const { count } = await registry.countChains({}, { timeoutMs: 500 })
      return count === 7n
    })
    expect(proxy.opened).to.equal(2)
  })

  it("lets calls finish when it is closed, refuses new ones, and then lets the process end", async () => {
    let answer: (() => void) | undefined
    const { address } = await serve({
      getChain: () =>
        new Promise((resolve) => {
          answer = () => resolve({ stored: { record: { agentId: "a" } } })
        }),
      countChains: () => ({ count: 1n }),
    })
    const registry = connect(address)
    const call = registry.getChain({ agentId: "a" })
    await until("the call is there", () => answer !== undefined)
    registry.close()
    answer?.()
    expect((await call).record?.agentId).to.equal("a")
    expect(await failureOf(registry.getChain({ agentId: "a" }))).to.include({
      code: status.CANCELLED,
      reason: "CANCELLED",
    })

    const script = `import { connect } from "@trust-registry/client"
      const registry = connect("${address}")
      console.log(String((await registry.countChains({})).count))
      registry.close()`
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 10_000,
    })
    let out = ""
    child.stdout.on("data", (chunk) => (out += chunk))
    expect(await once(child, "close")).to.deep.equal([0, null])
    expect(out).to.equal("1\n")
  })

  it("refuses to send what is larger than the registry takes", async () => {
    let calls = 0
    const { address } = await serve({ storeChain: () => ({ created: ++calls > 0 }) })
    const genesis = { ...sampleChain("large").genesis, metadataJson: "x".repeat(4 * 1024 * 1024) }
    const error = await failureOf(open(address).storeChain({ chain: { genesis } }))
    expect(error).to.include({ code: status.RESOURCE_EXHAUSTED })
    expect(calls).to.equal(0)
  })

  describe("speaks TLS", () => {
    const serverTls = (clientCa: boolean) =>
      ServerCredentials.createSsl(
        clientCa ? pem("ca.pem") : null,
        [{ cert_chain: pem("server.pem"), private_key: pem("server.key") }],
        clientCa,
      )

    it("to a registry whose authority it trusts, and shows its own certificate", async () => {
      const { address } = await serve({ countChains: () => ({ count: 3n }) }, serverTls(true))
      const ca = pem("ca.pem")
      const known = open(address, { tls: { ca, cert: pem("client.pem"), key: pem("client.key").toString() } })
      expect((await known.countChains({})).count).to.equal(3n)
      for (const tls of [{ ca }, true, false] as const) {
        const error = await failureOf(open(address, { tls }).countChains({}, { timeoutMs: 1000 }))
        expect(error).to.have.property("code").that.is.oneOf([status.UNAVAILABLE, status.DEADLINE_EXCEEDED])
      }
    })

    it("beyond this machine unless it is told not to", () => {
      for (const address of [
        "localhost:1",
        "127.0.0.1:50051",
        "[::1]:1",
        "ipv6:[::1]:1",
        "unix:/run/x.sock",
      ]) {
        expect(isOnThisMachine(address), address).to.equal(true)
      }
      for (const address of [
        "registry:50051",
        "dns:///registry:1",
        "dns://127.0.0.1/registry:1",
        "ipv4:127.0.0.1:1,10.0.0.1:1",
        "127.0.0.1.example.com:1",
        "localhost.example.com:1",
        "[fe80::1]:1",
      ]) {
        expect(isOnThisMachine(address), address).to.equal(false)
      }
      expect(isOnThisMachine("dns:///localhost:1")).to.equal(true)
      expect(() => connect("registry:50051", { tls: false })).to.throw(TypeError, "say insecure")
      expect(() => connect("registry:50051", { tls: true, insecure: true })).to.throw(TypeError, "not both")
      connect("registry:50051", { insecure: true }).close()
    })
  })

  it("goes to addresses only", () => {
    const right = [
      "registry:50051",
      "registry",
      "localhost:65535",
      "[::1]:1",
      "::1",
      "dns:///a.b:1",
      "ipv4:1.2.3.4:5,6.7.8.9:1",
    ]
    for (const address of right) connect(address, { insecure: true }).close()
    const wrong = [
      "",
      "http://localhost:50051",
      "https://a",
      "a:0",
      "a:65536",
      "a:123456",
      "a:b",
      ":1",
      "a b:1",
      "a:1,,b:1",
      "[::1",
      "unix:",
    ]
    for (const address of wrong) {
      expect(() => connect(address, { insecure: true }), address).to.throw(
        TypeError,
        "must be HOST:PORT, without http://",
      )
    }
  })

  it("may be a Unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trust-registry-"))
    closing.push(() => rmSync(folder, { recursive: true }))
    const { server } = await serve({ countChains: () => ({ count: 9n }) })
    const socket = `unix:${folder}/registry.sock`
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(socket, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect((await open(socket).countChains({})).count).to.equal(9n)
  })
})
