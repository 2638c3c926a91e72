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
import { connectSdk } from "../support/sdk.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { Refusal, Status, type StoreHandlers, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

const pem = (name: string) => readFileSync(new URL(`../support/tls/${name}`, import.meta.url))

describe("the client's connection", () => {
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
    const registry = connectSdk(...args)
    closing.push(() => registry.close())
    return registry
  }

  describe("retries", () => {
    it("unavailable calls, with the same request_id for each attempt of a write", async () => {
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

    it("many of the largest chains at once", async () => {
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

    it("overloaded calls, but no other refusals", async () => {
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

    it("every unary RPC marked idempotent in the contract, each listed explicitly", () => {
      const config = serviceConfig(TrustStoreService)
      const names = config.methodConfig.flatMap((entry) => entry.name.map((name) => name.method))
      const unary = TrustStoreService.methods.filter(({ methodKind }) => methodKind === "unary")
      expect(names).to.have.members(unary.map((method) => method.name))
      for (const entry of config.methodConfig) expect(entry.name).to.have.length(1)
    })

    it("calls that a restart of the registry interrupts, so that none fails", async () => {
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

  it("throws a typed error with a retry delay if the database is unavailable", async () => {
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

  it("gives up with UNAVAILABLE after its retries if nothing listens", async () => {
    const { address, stop } = await serve({})
    stop()
    const error = await failureOf(open(address).getChain({ agentId: "a" }))
    expect(error).to.include({ code: status.UNAVAILABLE, reason: undefined })
    const slow = await failureOf(open(address).waitForReady({ timeoutMs: 200 }) as Promise<unknown>)
    expect(slow).to.include({ code: status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" })
  })

  it("ends a call at its deadline or on its signal", async () => {
    const begun = new Set<string>()
    const aborted = new Set<string>()
    const { address } = await serve({
      async getChain({ agentId }, { signal }) {
        begun.add(agentId)
        await once(signal, "abort")
        aborted.add(agentId)
        return {}
      },
    })
    const registry = open(address, { timeoutMs: 200 })
    // On a slow machine the deadline can pass before the call reaches the handler, so this may take several calls.
    await until("the handler heard of the default", async () => {
      expect(await failureOf(registry.getChain({ agentId: "default" }))).to.include({
        code: status.DEADLINE_EXCEEDED,
        reason: "DEADLINE_EXCEEDED",
        agentId: "default",
      })
      return aborted.has("default")
    })
    await until("the handler heard of the call's own", async () => {
      expect(await failureOf(registry.getChain({ agentId: "own" }, { timeoutMs: 50 }))).to.include({
        code: status.DEADLINE_EXCEEDED,
      })
      return aborted.has("own")
    })
    const abort = new AbortController()
    const call = failureOf(
      registry.getChain({ agentId: "signal" }, { signal: abort.signal, timeoutMs: Infinity }),
    )
    await until("it is there", () => begun.has("signal"))
    abort.abort()
    expect(await call)
      .to.equal(abort.signal.reason)
      .and.have.property("name", "AbortError")
    const reason = new Error("enough")
    const late = registry.getChain({ agentId: "never sent" }, { signal: AbortSignal.abort(reason) })
    expect(await failureOf(late)).to.equal(reason)
    const list = registry.listChains({}, { signal: AbortSignal.abort(reason) })
    expect(await failureOf(list.page())).to.equal(reason)
    await until("the handler heard of the signal", () => aborted.has("signal"))
    expect([...begun]).to.deep.equal(["default", "own", "signal"])
  })

  it("detects a dead connection, even an idle one, and opens another", async () => {
    const { port } = await serve({ countChains: () => ({ count: 7n }) })
    const proxy = await startTcpProxy(port)
    closing.push(proxy.close)
    const registry = open(`127.0.0.1:${proxy.port}`, { keepaliveMs: 1000, keepaliveTimeoutMs: 300 })
    await registry.countChains({})
    const before = proxy.opened
    proxy.freeze()
    await until("a new line is open", async () => {
      const { count } = await registry.countChains({}, { timeoutMs: 500 })
      return count === 7n
    })
    expect(proxy.opened).to.be.above(before)
  })

  it("finishes calls when closed, refuses new ones, and lets the process exit", async () => {
    let answer: (() => void) | undefined
    const { address } = await serve({
      getChain: () =>
        new Promise((resolve) => {
          answer = () => resolve({ stored: { record: { agentId: "a" } } })
        }),
      countChains: () => ({ count: 1n }),
    })
    const registry = connectSdk(address)
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
    })
    let out = ""
    child.stdout.on("data", (chunk) => (out += chunk))
    expect(await once(child, "close")).to.deep.equal([0, null])
    expect(out).to.equal("1\n")
  })

  it("refuses to send messages larger than the registry accepts", async () => {
    let calls = 0
    const { address } = await serve({ storeChain: () => ({ created: ++calls > 0 }) })
    const genesis = { ...sampleChain("large").genesis, metadataJson: "x".repeat(4 * 1024 * 1024) }
    const error = await failureOf(open(address).storeChain({ chain: { genesis } }))
    expect(error).to.include({ code: status.RESOURCE_EXHAUSTED })
    expect(calls).to.equal(0)
  })

  describe("uses TLS", () => {
    const serverTls = (clientCa: boolean) =>
      ServerCredentials.createSsl(
        clientCa ? pem("ca.pem") : null,
        [{ cert_chain: pem("server.pem"), private_key: pem("server.key") }],
        clientCa,
      )

    it("with a trusted registry, and presents its own certificate", async () => {
      const { address } = await serve({ countChains: () => ({ count: 3n }) }, serverTls(true))
      const ca = pem("ca.pem")
      const known = open(address, { tls: { ca, cert: pem("client.pem"), key: pem("client.key").toString() } })
      expect((await known.countChains({})).count).to.equal(3n)
      for (const tls of [{ ca }, true, false] as const) {
        const error = await failureOf(open(address, { tls }).countChains({}, { timeoutMs: 1000 }))
        expect(error).to.have.property("code").that.is.oneOf([status.UNAVAILABLE, status.DEADLINE_EXCEEDED])
      }
    })

    it("for remote addresses, unless told otherwise", () => {
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
      expect(() => connect("registry:50051", { tls: false })).to.throw(TypeError, "set insecure")
      expect(() => connect("registry:50051", { tls: true, insecure: true })).to.throw(
        TypeError,
        "cannot be combined",
      )
      connect("registry:50051", { insecure: true }).close()
    })
  })

  it("accepts only addresses", () => {
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

  it("can use a Unix socket", async () => {
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
