import { execFileSync } from "node:child_process"
import { setTimeout as delay } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import {
  BatchGetChainsRequestSchema,
  CapabilityType,
  encode,
  health,
  TrustStoreService,
  TrustVerificationService,
  VerifyTrustRequestSchema,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { connectRaw, framed, type RawCall, type RawConnection } from "../support/rawCalls.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"

const { SERVING } = health.HealthCheckResponse_ServingStatus
const STORE = "/trustregistry.v1.TrustStoreService"
const RESOURCE_EXHAUSTED = 8
const DEADLINE_EXCEEDED = 4
/** The largest message, less its prefix. */
const LARGE = 4 * 1024 * 1024 - 5

/** A server of its own for each attack: what one leaves behind must not hide in the next one's figures. */
describe("the memory of the server", () => {
  let folder: Awaited<ReturnType<typeof embeddedFolder>>
  let server: ServerProcess
  let line: ReturnType<typeof connectTo>
  let attackers: RawConnection[]

  beforeEach(async () => {
    folder = await embeddedFolder()
    const serve = ["serve", "--listen=127.0.0.1:0", `--data-dir=${folder.dataDir}`]
    const times = [`--call-timeout-ms=${scaled(2_500)}`, "--database-timeout-ms=60000"]
    server = spawnServer([...serve, ...times])
    line = connectTo(await server.address())
    attackers = []
  })
  afterEach(async () => {
    line.close()
    for (const attacker of attackers) attacker.close()
    server.signal("SIGKILL")
    await server.ended
    await folder.end()
  })

  const attacker = async () => {
    const connection = await connectRaw(await server.address())
    attackers.push(connection)
    return connection
  }
  /** Mebibytes of memory that the process has. */
  const memory = () =>
    Number(execFileSync("ps", ["-o", "rss=", "-p", String(server.pid)], { encoding: "utf8" })) / 1024
  /** Waits until the server has ended all these calls; gives their statuses and how much memory it took at most meanwhile. */
  const outcome = async (before: number, calls: RawCall[]) => {
    let most = 0
    const sampling = setInterval(() => (most = Math.max(most, memory())), 250)
    // Some wait for room before their own time begins.
    await until("the server has ended all calls", () => calls.every(({ ended }) => ended), 60_000).finally(
      () => clearInterval(sampling),
    )
    most = Math.max(most, memory())
    return { grown: most - before, statuses: new Set(await Promise.all(calls.map(({ status }) => status))) }
  }
  const isServed = async () => {
    expect((await line.calls(health.Health).check({ service: "" })).status).to.equal(SERVING)
    expect((await line.calls(TrustStoreService).countChains({})).count >= 0n).to.equal(true)
  }
  /** A chain of 0.8 MB. */
  const largeChain = (agentId: string) => ({
    ...sampleChain(agentId),
    capabilities: Array.from({ length: 1_000 }, (_, index) =>
      capability(`capability-${index}`, {
        capabilityType: CapabilityType.ACTION,
        scopeJson: `{"x":"${"y".repeat(650)}"}`,
      }),
    ),
  })

  it("does not grow with requests that inflate and are never finished, which are ended", async () => {
    const { send } = await attacker()
    const before = memory()
    const small = framed(gzipSync(Buffer.alloc(LARGE)), true)
    const calls = Array.from({ length: 500 }, () =>
      send(`${STORE}/GetChain`, small, { end: false, gzip: true }),
    )
    await isServed()
    const { grown, statuses } = await outcome(before, calls)
    expect([...statuses]).to.have.members([RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED])
    expect(grown).to.be.below(400)
  })

  it("does not grow with requests of which the last byte is missing, which are ended", async () => {
    const { send } = await attacker()
    const before = memory()
    const short = framed(Buffer.alloc(LARGE)).subarray(0, -1)
    const calls = Array.from({ length: 100 }, () => send(`${STORE}/StoreChain`, short, { end: false }))
    await isServed()
    const { grown, statuses } = await outcome(before, calls)
    // A client that is still sending may see the reset alone.
    expect([...statuses].filter((status) => status === 0)).to.deep.equal([])
    expect(grown).to.be.below(400)
  })

  it("and the server itself outlast calls that are reset as they come, some of them refused", async () => {
    const small = framed(gzipSync(Buffer.alloc(LARGE)), true)
    const codes = [2, 8, 0, 3]
    for (let round = 0; round < 3; round++) {
      const { send, close } = await attacker()
      for (let index = 0; index < 800; index++) {
        const { stream } = send(`${STORE}/GetChain`, small, { end: index % 2 === 0, gzip: index % 3 === 0 })
        setImmediate(() => stream.close(codes[index % codes.length]))
      }
      await delay(500)
      close()
    }
    await isServed()
    expect(server.log.filter(({ level }) => level === "fatal")).to.deep.equal([])
  })

  it("does not grow with answers that nobody reads, which are ended", async () => {
    const agentIds = Array.from({ length: 4 }, (_, index) => `large-${index}`)
    for (const agentId of agentIds)
      await line.calls(TrustStoreService).storeChain({ chain: largeChain(agentId) })
    const connections = [await attacker(), await attacker()]
    const before = memory()
    const request = framed(encode(BatchGetChainsRequestSchema, { agentIds }))
    const calls = connections.flatMap(({ send }) =>
      Array.from({ length: 500 }, () => send(`${STORE}/BatchGetChains`, request)),
    )
    await isServed()
    const { grown } = await outcome(before, calls)
    expect(grown).to.be.below(500)
    await isServed()
  })

  it("does not grow with questions over large delegators: those about one agent share their reading", async () => {
    const { storeChain } = line.calls(TrustStoreService)
    const names = Array.from({ length: 15 }, (_, index) => `delegator-${index}`)
    for (const name of names) await storeChain({ chain: largeChain(name) })
    const delegations = names.map((delegatorId) =>
      delegation("delegatee", { id: delegatorId, delegatorId, capabilitiesDelegated: ["capability-1"] }),
    )
    await storeChain({ chain: { ...sampleChain("delegatee"), delegations } })
    const question = {
      agentId: "delegatee",
      action: "capability-1",
      consistency: { requirement: { case: "strong" as const, value: true } },
    }
    const { send } = await attacker()
    const before = memory()
    const request = framed(encode(VerifyTrustRequestSchema, question))
    const path = "/trustregistry.v1.TrustVerificationService/VerifyTrust"
    const calls = Array.from({ length: 500 }, () => send(path, request, { read: true }))
    const { grown, statuses } = await outcome(before, calls)
    expect([...statuses]).to.deep.equal([0])
    expect(grown).to.be.below(300)
    expect((await line.calls(TrustVerificationService).verifyTrust(question)).revision > 0n).to.equal(true)
  })
})
