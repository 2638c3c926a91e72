import { setTimeout as sleep } from "node:timers/promises"
import { status as Code } from "@grpc/grpc-js"
import {
  AuthorityType,
  type connect,
  generateKeyPair,
  RevisionCompactedError,
  type TrustRegistry,
  TrustStoreError,
  type WatchOptions,
  type WatchState,
} from "@trust-registry/client"
import { usualPermissions } from "@trust-registry/eatp"
import { ChainOperation, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { endOf, startTrustRegistry } from "../support/commandLine.js"
import { seen } from "../support/events.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { startTcpProxy } from "../support/tcpProxy.js"
import { Refusal, Status, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"
import { type OpenWatch, validateWatch } from "../support/watchValidator.js"

const openBy =
  (registry: TrustRegistry): OpenWatch =>
  (request, signal) =>
    registry.watchChains(request, { signal }).responses()

const changed = (stored?: { record: { revision: bigint } }, requestId = "") => ({
  kind: {
    case: "changed" as const,
    value: { operation: ChainOperation.CREATED, requestId, ...(stored ? { stored } : {}) },
  },
})

describe("a watch of the SDK", () => {
  const registries: TrustRegistry[] = []
  const open = (...args: Parameters<typeof connect>) => {
    const registry = connectSdk(...args)
    registries.push(registry)
    return registry
  }
  afterEach(() => {
    for (const registry of registries.splice(0)) registry.close()
  })

  describe("with a healthy registry", () => {
    let server: TestRegistry
    beforeEach(async () => {
      server = await startRegistry({ historyRetentionMs: 1_000, drainTimeoutMs: 500 })
    })
    afterEach(() => server.stop())

    it("yields events, and says where another watch can resume", async () => {
      const registry = open(server.address)
      for (const agentId of ["a", "b", "c"]) await registry.storeChain({ chain: sampleChain(agentId) })
      const watch = registry.watchChains({ startRevision: 1n })
      const told: string[] = []
      for await (const event of watch) {
        const { record } = seen(event)
        told.push(record?.agentId ?? "")
        if (told.length === 2) break
      }
      expect([told, watch.nextRevision]).to.deep.equal([["a", "b"], 2n])
      const stop = new AbortController()
      const rest = registry.watchChains({ startRevision: 3n }, { signal: stop.signal })
      const reason = new Error("enough")
      let thrown: unknown
      try {
        for await (const event of rest) {
          expect(seen(event).record?.agentId).to.equal("c")
          stop.abort(reason)
        }
      } catch (error) {
        thrown = error
      }
      expect(thrown).to.equal(reason)
    })

    it("rejects with RevisionCompactedError, which names the oldest complete revision", async () => {
      const registry = open(server.address)
      for (let i = 0; i < 3; i++) await registry.storeChain({ chain: sampleChain("a") })
      const watching = async () => {
        for await (const _ of registry.watchChains({ startRevision: 1n }, { timeoutMs: 1_000 }));
      }
      const error = await until("the history is compacted", async () => {
        const thrown = await watching().catch((error) => error)
        return thrown instanceof RevisionCompactedError && thrown.oldestRevision === 3n && thrown
      })
      expect(error.code).to.equal(Code.OUT_OF_RANGE)
    })

    it("resumes on another connection when one goes dead, with nothing missing or repeated", async () => {
      const proxy = await startTcpProxy(Number(server.address.split(":").at(-1)))
      const direct = open(server.address)
      const registry = open(`127.0.0.1:${proxy.port}`, { keepaliveMs: 300, keepaliveTimeoutMs: 300 })
      const watch = validateWatch(openBy(registry), { startRevision: 1n })
      const store = async (count: number) => {
        for (let i = 0; i < count; i++) await direct.storeChain({ chain: sampleChain(`agent-${i}`) })
      }
      await store(10)
      await watch.reachesHead(server.sql)
      proxy.freeze()
      await store(10)
      await watch.reachesHead(server.sql)
      await watch.stop()
      expect(watch.failure).to.equal(undefined)
      expect(watch.events).to.have.lengthOf(20)
      proxy.close()
    })

    it("ends when its client is closed", async () => {
      const registry = open(server.address)
      await registry.storeChain({ chain: sampleChain("a") })
      let thrown: unknown
      try {
        for await (const _ of registry.watchChains({ startRevision: 1n })) {
          registry.close()
          await server.stopServer()
        }
      } catch (error) {
        thrown = error
      }
      expect(thrown).to.be.instanceOf(TrustStoreError)
    })
  })

  it("resumes where it was when the server is killed, during the current state and after it", async () => {
    const folder = await embeddedFolder()
    let server: ServerProcess = spawnServer([
      "serve",
      "--listen",
      "127.0.0.1:0",
      "--data-dir",
      folder.dataDir,
    ])
    const address = await server.address()
    const again = async () => {
      server.signal("SIGKILL")
      await server.ended
      server = spawnServer(["serve", "--listen", address, "--data-dir", folder.dataDir])
      await server.address()
    }
    try {
      const registry = open(address)
      const store = (i: number) => registry.storeChain({ chain: sampleChain(`agent-${i}`) })
      await Promise.all(Array.from({ length: 200 }, (_, i) => store(i)))
      const watch = validateWatch(openBy(registry), { includeCurrent: true })
      const whole = validateWatch(openBy(registry), { startRevision: 1n, filter: { includeInactive: true } })
      await until("the current state has begun", () => watch.events.length > 0)
      for (let round = 0; round < 2; round++) {
        await again()
        await registry.waitForReady({ timeoutMs: scaled(30_000) })
        await Promise.all(Array.from({ length: 20 }, (_, i) => store(i * 7 + round)))
      }
      await folder.withSql(async (sql) => {
        await watch.reachesHead(sql)
        await whole.reachesHead(sql)
        await whole.agreesWith(sql)
      })
      const last = new Map(watch.events.map(({ record }) => [record?.agentId, String(record?.revision)]))
      const rows = await folder.withSql((sql) => sql`select agent_id, revision::text from trust_chains`)
      expect(last.size).to.equal(rows.length)
      for (const row of rows) expect(last.get(row.agent_id)).to.equal(row.revision)
      await Promise.all([watch.stop(), whole.stop()])
    } finally {
      server.signal("SIGKILL")
      await server.ended
      await folder.end()
    }
  })

  describe("with a failing registry", () => {
    it("retries from where it was, and rejects what retries cannot fix", async () => {
      const asked: bigint[] = []
      const server = await startTrustStore({
        async *watchChains({ startRevision, includeCurrent }) {
          asked.push(includeCurrent ? -1n : startRevision)
          if (asked.length === 1) throw new Status(Code.UNAVAILABLE, "not yet")
          if (asked.length === 2) {
            yield { nextRevision: 7n, events: [changed({ record: { revision: 6n } })] }
            throw new Status(Code.UNAVAILABLE, "gone")
          }
          if (asked.length === 3) {
            yield { nextRevision: 9n }
            return
          }
          throw new Refusal(Code.INVALID_ARGUMENT, "INVALID_REQUEST")
        },
      })
      const watch = open(server.address).watchChains({ includeCurrent: true })
      const nexts: bigint[] = []
      let thrown: unknown
      try {
        for await (const { nextRevision } of watch.responses()) nexts.push(nextRevision)
      } catch (error) {
        thrown = error
      }
      expect(thrown).to.include({ code: Code.INVALID_ARGUMENT })
      expect(asked).to.deep.equal([-1n, -1n, 7n, 9n])
      expect([nexts, watch.nextRevision]).to.deep.equal([[7n, 9n], 9n])
      server.stop()
    })

    it("reports a lost connection and its recovery, once each", async () => {
      let attempts = 0
      const server = await startTrustStore({
        async *watchChains() {
          attempts++
          if (attempts === 2 || attempts === 3) throw new Status(Code.UNAVAILABLE, "not yet")
          if (attempts === 5) throw new Refusal(Code.INVALID_ARGUMENT, "INVALID_REQUEST")
          yield { nextRevision: 7n }
          if (attempts === 1) throw new Status(Code.UNAVAILABLE, "gone")
        },
      })
      const states: [boolean, bigint, string | undefined][] = []
      const onState = ({ open, nextRevision, error }: WatchState) =>
        states.push([open, nextRevision, error?.message])
      const watching = async () => {
        for await (const _ of open(server.address).watchChains({}, { onState }).responses());
      }
      expect(await watching().catch((error) => error.code)).to.equal(Code.INVALID_ARGUMENT)
      expect(states).to.deep.equal([
        [true, 0n, undefined],
        [false, 7n, "gone"],
        [true, 7n, undefined],
        [false, 7n, undefined],
      ])
      server.stop()
    })

    it("reports an address where nothing listens, and rejects if TLS cannot be negotiated", async () => {
      const server = await startTrustStore({})
      const watching = async (registry: TrustRegistry, options: WatchOptions) => {
        for await (const _ of registry.watchChains({}, options));
      }
      const failure = await watching(open(server.address, { tls: true }), {}).catch((error) => error)
      expect(failure).to.be.instanceOf(TrustStoreError).and.include({ code: Code.UNAVAILABLE })
      server.stop()
      const stop = new AbortController()
      let told: WatchState | undefined
      const onState = (state: WatchState) => {
        told = state
        stop.abort()
      }
      const ended = await watching(open(server.address), { onState, signal: stop.signal }).catch(String)
      expect(ended).to.contain("AbortError")
      expect(told).to.include({ open: false, nextRevision: 0n })
      expect(told?.error).to.include({ code: Code.UNAVAILABLE })
    })

    it("reads only slightly ahead of its consumer", async () => {
      let given = 0
      const server = await startTrustStore({
        async *watchChains() {
          for (;;) {
            yield { nextRevision: BigInt(++given), events: [changed(undefined, "x".repeat(100_000))] }
            await new Promise((resolve) => setImmediate(resolve))
          }
        },
      })
      const iterator = open(server.address).watchChains().responses()[Symbol.asyncIterator]()
      await iterator.next()
      let before = -1
      let quiet = 0
      await until("nothing more is given", () => {
        quiet = before === given ? quiet + 1 : 0
        before = given
        return quiet > 20
      })
      expect(given).to.be.within(2, 40)
      await iterator.return?.()
      server.stop()
    })
  })

  describe("from the command line", () => {
    let server: TestRegistry
    beforeEach(async () => {
      server = await startRegistry()
    })
    afterEach(() => server.stop())

    it("prints one event per line, and on Ctrl-C where to resume", async () => {
      const line = connectTo(server.address)
      const { storeChain, deleteChain } = line.calls(TrustStoreService)
      for (const agentId of ["before", "x-1"]) await storeChain({ chain: sampleChain(agentId) })
      const runs = [
        ["watch", "--include-current"],
        ["watch", "--from", "1", "--json"],
        ["watch", "--include-current", "--prefix", "x-"],
      ]
      const children = runs.map((args) => startTrustRegistry(args, { address: server.address }))
      const texts = children.map(() => "")
      children.forEach((child, i) => {
        child.stdout.on("data", (chunk) => {
          texts[i] += chunk
        })
      })
      const ends = children.map(endOf)
      await until("all have begun", () => texts.every((text) => text !== ""))
      await deleteChain({ agentId: "before" })
      await until("two tell", () => texts.slice(0, 2).every((text) => text.split("\n").length === 4))
      for (const child of children) child.kill("SIGINT")
      const [plain, json, other] = await Promise.all(ends)
      expect(plain?.out).to.match(
        /^1 {2}current {2}before {2}active .*\n2 {2}current {2}x-1 {2}.*\n3 {2}deleted {2}before {2}deleted .*\n$/,
      )
      const events = (json?.out ?? "")
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text))
      expect(events.map(({ kind }) => kind)).to.deep.equal(["changed", "changed", "changed"])
      expect(events.map(({ operation }) => operation)).to.deep.equal(["created", "created", "deleted"])
      expect(events[0]?.chain.genesis.agent_id).to.equal("before")
      expect(events[2]).to.have.all.keys("kind", "operation", "record", "request_id")
      for (const run of [plain, json])
        expect([run?.code, run?.err]).to.deep.equal([130, "resume with: --from 4\n"])
      expect([other?.code, other?.out]).to.match(/^130,2 {2}current {2}x-1 {2}.*\n$/)
      line.close()
    })

    it("fails if it cannot connect at first, with a hint if TLS differs", async () => {
      const proxy = await startTcpProxy(Number(server.address.split(":").at(-1)))
      proxy.darken()
      const silent = `127.0.0.1:${proxy.port}`
      for (const [args, told] of [
        [["--address", "127.0.0.1:1"], /^trust-registry: UNAVAILABLE: .*ECONNREFUSED/],
        [["--address", silent, "--timeout-ms", "500"], /DEADLINE_EXCEEDED: .*did not respond within 500 ms/],
        [
          ["--address", server.address, "--tls"],
          /^trust-registry: UNAVAILABLE: the registry does not use TLS: omit/m,
        ],
      ] as const) {
        const { code, out, err } = await endOf(startTrustRegistry(["watch", ...args]))
        expect({ code, out }).to.deep.equal({ code: 5, out: "" })
        expect(err).to.match(told)
      }
      proxy.close()
    })

    it("says that it may be behind while the registry is silent, and that it has caught up", async () => {
      const proxy = await startTcpProxy(Number(server.address.split(":").at(-1)))
      const address = `127.0.0.1:${proxy.port}`
      const children = [[], ["--json"]].map((flags) => startTrustRegistry(["watch", ...flags], { address }))
      const told = children.map(() => "")
      children.forEach((child, i) => {
        child.stderr.on("data", (chunk) => {
          told[i] += chunk
        })
      })
      let printed = 0
      for (const child of children) child.stdout.once("data", () => printed++)
      await until("both are connected", () => proxy.lines.length === 2)
      const ends = children.map(endOf)
      // Until a watch has caught up for the first time, silence means that it takes long to start.
      const direct = connectSdk(server.address)
      for (let n = 0; printed < 2; n++) await direct.storeChain({ chain: sampleChain(`seen-${n}`) })
      direct.close()
      await sleep(scaled(2_000))
      proxy.freeze()
      await until("both say so", () => told.every((text) => text.includes("BEHIND")))
      proxy.thaw()
      await until("both say that it is over", () => told.every((text) => text.includes("CAUGHT_UP")))
      for (const child of children) child.kill("SIGINT")
      for (const { code } of await Promise.all(ends)) expect(code).to.equal(130)
      expect(told[0]).to.match(/^BEHIND: .*\nCAUGHT_UP: the watch is up to date again\nresume with: /)
      const states = told[1]?.split("\n").slice(0, 2) ?? []
      expect(states.map((text) => JSON.parse(text).reason)).to.deep.equal(["BEHIND", "CAUGHT_UP"])
      proxy.close()
    })

    it("tells of revoked keys, whatever the filter, and once", async () => {
      const sdk = connectSdk(server.address)
      const keys = ["1", "2"].map((keyId) => ({ keyId, publicKey: generateKeyPair().publicKey }))
      const authority = {
        id: "org-k",
        name: "K",
        authorityType: AuthorityType.ORGANIZATION,
        keys,
        permissions: usualPermissions(),
      }
      await sdk.registerAuthority({ authority })
      const { revocation } = await sdk.revokeKey({ authorityId: "org-k", keyId: "1" })
      const first = revocation?.records[0]?.revision
      const runs = [
        ["--include-current", "--prefix", "none-"],
        ["--from", "1", "--json"],
      ]
      const children = runs.map((args) => startTrustRegistry(["watch", ...args], { address: server.address }))
      const texts = children.map(() => "")
      children.forEach((child, i) => {
        child.stdout.on("data", (chunk) => {
          texts[i] += chunk
        })
      })
      const ends = children.map(endOf)
      await until("both tell of the first", () => texts.every((text) => text.includes("\n")))
      await sdk.revokeKey({ authorityId: "org-k", keyId: "2" })
      await until("both tell of the second", () => texts.every((text) => text.split("\n").length === 3))
      for (const child of children) child.kill("SIGINT")
      const [plain, json] = await Promise.all(ends)
      expect(plain?.out).to.match(
        new RegExp(
          `^${first}  key_revoked  key 1 of org-k  revoked  -  .*\n\\d+  key_revoked  key 2 of org-k .*\n$`,
        ),
      )
      const [event] = json?.out.split("\n") ?? []
      expect(JSON.parse(event ?? "")).to.have.all.keys("kind", "revoked")
      expect(JSON.parse(event ?? "").revoked).to.include({ authority_id: "org-k", record_id: "1" })
      sdk.close()
    })

    it("reports once that the connection is lost, and once that it is back", async () => {
      const direct = connectTo(server.address)
      const { storeChain } = direct.calls(TrustStoreService)
      await storeChain({ chain: sampleChain("before") })
      const proxy = await startTcpProxy(Number(server.address.split(":").at(-1)))
      const child = startTrustRegistry(["watch", "--from", "1"], { address: `127.0.0.1:${proxy.port}` })
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk) => (out += chunk))
      child.stderr.on("data", (chunk) => (err += chunk))
      const ended = endOf(child)
      await until("the first event is there", () => out !== "")
      proxy.retarget(1)
      for (const line of proxy.lines) line.cut()
      await until("the loss is told", () => err.includes("\n"))
      expect(err).to.match(
        /^CONNECTION_LOST: connection lost.*; the watch resumes from revision 2 when it is restored\n$/,
      )
      await until("several attempts were made", () => proxy.opened > 3)
      proxy.retarget(Number(server.address.split(":").at(-1)))
      await storeChain({ chain: sampleChain("after") })
      await until("the next event is there", () => out.split("\n").length === 3)
      await until("the return is told", () => err.split("\n").length === 3)
      expect(err.split("\n")[1]).to.equal(
        "CONNECTION_RESTORED: connection restored; the watch resumes from revision 2",
      )
      child.kill("SIGTERM")
      expect((await ended).code).to.equal(130)
      expect(err.split("\n")[2]).to.equal("resume with: --from 3")
      proxy.close()
      direct.close()
    })
  })
})
