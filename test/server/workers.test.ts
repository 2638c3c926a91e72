import { createServer } from "node:net"
import { ServerInfoService, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { isAlive } from "../../server/embedded/process.js"
import { connectTo } from "../support/calls.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"

describe("serve --workers", () => {
  let folder: Awaited<ReturnType<typeof embeddedFolder>>
  let server: ServerProcess
  const lines: ReturnType<typeof connectTo>[] = []
  const WORKERS = 2

  const start = async () => {
    const args = ["serve", "--workers", `${WORKERS}`, "--listen", "127.0.0.1:0", "--data-dir", folder.dataDir]
    // So high that nothing but word of a change can be what made it seen.
    server = spawnServer([
      ...args,
      "--cache-max-age-ms",
      "60000",
      "--database-timeout-ms",
      "60000",
      "--metrics-listen",
      "127.0.0.1:0",
    ])
    return String((await server.line(({ workers }) => workers === WORKERS)).address)
  }
  beforeEach(async () => {
    folder = await embeddedFolder()
  })
  afterEach(async () => {
    for (const line of lines.splice(0)) line.close()
    server.signal("SIGKILL")
    await server.ended
    await folder.end()
  })
  const connect = (address: string) => {
    // grpc-js would share one connection among all channels of a process.
    const line = connectTo(address, undefined, { "grpc.use_local_subchannel_pool": 1 })
    lines.push(line)
    return line
  }
  const storeCalls = (line: ReturnType<typeof connectTo>) => line.calls(TrustStoreService)
  const workerOf = async (line: ReturnType<typeof connectTo>) =>
    (await line.calls(ServerInfoService).getServerInfo({})).worker
  /** A line to each worker. */
  const lineToEach = (address: string) =>
    until("there is a line to each worker", async () => {
      const found = new Map<number, ReturnType<typeof connectTo>>()
      for (let tried = 0; tried < 2 * WORKERS; tried++) {
        const line = connect(address)
        found.set(await workerOf(line), line)
      }
      return found.size === WORKERS && found
    })
  const pids = () => server.log.filter(({ msg }) => msg === "worker is ready").map(({ pid }) => Number(pid))

  const expectSharedBudget = async (each: (ReturnType<typeof storeCalls> | undefined)[]) => {
    const load = Array.from({ length: 200 }, (_, i) => {
      const calls = each[i % WORKERS]
      return [
        calls?.getChain({ agentId: `none-${i}` }).catch(() => undefined),
        calls?.listChains({ pageSize: 1 }),
      ]
    })
    await Promise.all(load.flat())
    const [sessions] = await folder.withSql(
      (sql) => sql`
        select count(*)::int as n from pg_stat_activity
        where application_name = 'trust-registry' and datname = current_database()`,
    )
    expect(sessions?.n).to.be.within(2 * WORKERS + 2, 10 + 2 * WORKERS)
  }

  it("shares one port and one budget of database connections; a write through one worker is seen by the others", async () => {
    const each = await lineToEach(await start())
    expect(server.log.filter(({ msg }) => msg.startsWith("ready"))).to.have.lengthOf(1)
    expect([...each.keys()].sort()).to.deep.equal([1, 2])
    const [one, two] = [1, 2].map((number) => each.get(number)?.calls(TrustStoreService))
    const agentId = "shared"
    for (let round = 0; round < 5; round++) {
      const { record } = (await one?.storeChain({ chain: sampleChain(agentId) })) ?? {}
      const consistency = { requirement: { case: "minRevision", value: record?.revision ?? 0n } } as const
      expect((await two?.getChain({ agentId, consistency }))?.stored?.record?.revision).to.equal(
        record?.revision,
      )
      const deleted = await two?.deleteChain({ agentId })
      await until("the other worker sees the deletion", async () => {
        const seen = await one?.getChain({ agentId, includeInactive: true })
        return seen?.stored?.record?.revision === deleted?.record?.revision
      })
      await two?.restoreChain({ agentId })
    }
    await expectSharedBudget([one, two])
    const { metrics } = await server.line(({ msg }) => msg === "serving metrics")
    const text = await (await fetch(`http://${metrics}/metrics`)).text()
    for (const worker of [1, 2])
      expect(text).to.match(new RegExp(`^trust_registry_feed_revision{worker="${worker}"} \\d+$`, "m"))
  })

  it("continues when a worker is killed, and replaces it", async () => {
    const address = await start()
    const each = await lineToEach(address)
    const [victim = 0] = pids()
    const number = Number(server.log.find(({ pid }) => pid === victim)?.worker)
    const survivor = each.get(WORKERS + 1 - number)?.calls(TrustStoreService)
    process.kill(victim, "SIGKILL")
    for (let round = 0; round < 20; round++)
      await survivor?.storeChain({ chain: sampleChain(`round-${round}`) })
    const ended = await server.line(({ msg }) => msg.startsWith("a worker has ended"))
    expect(ended).to.include({ level: "error", worker: number, pid: victim, signal: "SIGKILL" })
    expect(await workerOf(connect(address))).to.be.greaterThan(0)
    await until("there is another", () => pids().length === WORKERS + 1)
    expect([...(await lineToEach(address)).keys()].sort()).to.deep.equal([1, 2])
  })

  it("keeps its address after all workers are killed at once, even with an automatic port", async () => {
    const address = await start()
    for (const pid of pids()) process.kill(pid, "SIGKILL")
    await until("there are others", () => pids().length === 2 * WORKERS)
    expect([...(await lineToEach(address)).keys()].sort()).to.deep.equal([1, 2])
  })

  it("drains all workers on SIGTERM, and leaves no process behind", async () => {
    await start()
    const present = [...pids(), (await folder.postmaster()) as number]
    expect(present.every(isAlive)).to.equal(true)
    server.signal("SIGTERM")
    expect(await server.ended).to.include({ code: 0, signal: null, stderr: "" })
    await until("all are gone", () => !present.some(isAlive))
    expect(server.log.filter(({ msg }) => msg === "stopped")).to.have.length(WORKERS)
  })

  it("leaves no worker behind when it is killed", async () => {
    await start()
    const present = pids()
    server.signal("SIGKILL")
    await server.ended
    await until("all workers are gone", () => !present.some(isAlive))
    const again = connect(await start())
    expect(await workerOf(again)).to.be.greaterThan(0)
  })

  it("exits with code 1 if its workers cannot start", async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const { port } = taken.address() as { port: number }
    try {
      server = spawnServer([
        "serve",
        "--workers",
        "2",
        "--listen",
        `127.0.0.1:${port}`,
        "--data-dir",
        folder.dataDir,
      ])
      const { code, stderr } = await server.ended
      expect(code).to.equal(1)
      expect(stderr).to.include("the port is in use")
      expect(await folder.postmaster()).to.equal(undefined)
    } finally {
      taken.close()
    }
  })
})
