import { join } from "node:path"
import { status as Code, type ServiceError } from "@grpc/grpc-js"
import { health, TrustStoreService } from "@trust-registry/proto"
import { createLog, defaultConfig, type RegistryServer, startServer } from "@trust-registry/server"
import { expect } from "chai"
import postgres from "postgres"
import { findPostmaster } from "../../server/embedded/postmaster.js"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { ownCluster } from "../support/postgres.js"
import { until } from "../support/until.js"
import { withRegistryForEach } from "../support/withRegistry.js"

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = health.HealthCheckResponse_ServingStatus
const SERVICE = "trustregistry.v1.TrustStoreService"

describe("the health service", () => {
  const { registry, line: connection } = withRegistryForEach()
  const calls = () => connection.calls(health.Health)

  it("reports SERVING for the server and for each service by name", async () => {
    const services = [
      "",
      SERVICE,
      "trustregistry.v1.AuthorityService",
      "trustregistry.v1.RevocationService",
      "trustregistry.v1.ServerInfoService",
      "trustregistry.v1.TrustVerificationService",
    ]
    for (const service of services) expect((await calls().check({ service })).status).to.equal(SERVING)
    const { statuses } = await calls().list({})
    expect(Object.keys(statuses)).to.have.members(services)
    for (const { status } of Object.values(statuses)) expect(status).to.equal(SERVING)
  })

  it("knows no other service: NOT_FOUND from Check, SERVICE_UNKNOWN from Watch", async () => {
    expect((await failureOf(calls().check({ service: "other.Service" }))).code).to.equal(Code.NOT_FOUND)
    for await (const { status } of calls().watch({ service: "other.Service" })) {
      expect(status).to.equal(SERVICE_UNKNOWN)
      break
    }
  })

  it("notifies watchers that the server stops, then ends their streams without delaying the stop", async () => {
    const watchers = Array.from({ length: 20 }, () => watched(calls().watch({ service: SERVICE })))
    await Promise.all(watchers.map(({ first }) => first))
    await registry.stopServer()
    for (const { told, end } of watchers) {
      const error = await end
      expect(error?.code).to.equal(Code.UNAVAILABLE)
      expect(error && detailsOf(error).info?.reason).to.equal("SHUTTING_DOWN")
      expect(told).to.deep.equal([SERVING, NOT_SERVING])
    }
  })

  it("lets watchers disconnect", async () => {
    for (let round = 0; round < 10; round++) {
      for await (const { status } of calls().watch({})) {
        expect(status).to.equal(SERVING)
        break
      }
    }
    expect((await calls().check({})).status).to.equal(SERVING)
  })
})

describe("the health service without a database", () => {
  let cluster: Awaited<ReturnType<typeof ownCluster>>
  let server: RegistryServer
  let connection: ReturnType<typeof connectTo>

  beforeEach(async () => {
    cluster = await ownCluster()
    const config = defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, databaseTimeoutMs: 1_000 })
    server = await startServer({ config, log: createLog("silent"), connection: cluster.connection })
    connection = connectTo(server.address)
  })
  afterEach(async () => {
    connection.close()
    await server.stop()
    await cluster.end()
  })

  it("reports NOT_SERVING while the database does not respond, and SERVING once it does", async () => {
    const { told, first } = watched(connection.calls(health.Health).watch({}))
    await first
    const pids = await processesOf(cluster)
    for (const pid of pids) process.kill(pid, "SIGSTOP")
    try {
      await until("NOT_SERVING is told", () => told.includes(NOT_SERVING))
      expect((await connection.calls(health.Health).check({ service: SERVICE })).status).to.equal(NOT_SERVING)
      const error = await failureOf(connection.calls(TrustStoreService).getChain({ agentId: "uncached" }))
      expect(error.code).to.equal(Code.UNAVAILABLE)
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT")
    }
    await until("SERVING is told again", () => told.length === 3)
    expect(told).to.deep.equal([SERVING, NOT_SERVING, SERVING])
  })

  it("recovers by itself after the database's process is killed", async () => {
    process.kill(await postmasterOf(cluster), "SIGKILL")
    const get = () => failureOf(connection.calls(TrustStoreService).getChain({ agentId: "nobody" }))
    await until("a read reaches the database", async () => (await get()).code === Code.NOT_FOUND)
    const { check } = connection.calls(health.Health)
    await until("health is SERVING", async () => (await check({})).status === SERVING)
  })
})

/** Reads a watch to its end: what it told, the first of it, and how it ended. */
function watched(replies: AsyncIterable<health.HealthCheckResponse>) {
  const told: health.HealthCheckResponse_ServingStatus[] = []
  let heard = () => {}
  const first = new Promise<void>((resolve) => {
    heard = resolve
  })
  const read = async () => {
    for await (const { status } of replies) {
      told.push(status)
      heard()
    }
  }
  const end = read().then(
    () => undefined,
    (error) => error as ServiceError,
  )
  return { told, first, end }
}

type Cluster = Awaited<ReturnType<typeof ownCluster>>

async function postmasterOf({ dataDir }: Cluster) {
  const pid = await findPostmaster(join(dataDir, "postgres", "data"))
  if (pid === undefined) throw new Error("no postmaster runs")
  return pid
}

/** The postmaster and all that serves a session. */
async function processesOf(cluster: Cluster) {
  const sql = postgres({ ...cluster.superuser, max: 1 })
  const rows = await sql<{ pid: number }[]>`select pid from pg_stat_activity where pid <> pg_backend_pid()`
  await sql.end()
  return [await postmasterOf(cluster), ...rows.map(({ pid }) => pid)]
}
