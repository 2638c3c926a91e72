import { connect, TrustStoreDatabaseError } from "@trust-registry/client"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { killAll } from "../support/kill.js"
import { embeddedFolder, type ServerProcess, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"

const { SERVING, NOT_SERVING } = health.HealthCheckResponse_ServingStatus

describe("a database outage", () => {
  let folder: Awaited<ReturnType<typeof embeddedFolder>>
  let server: ServerProcess

  before(async () => {
    folder = await embeddedFolder()
    const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.dataDir]
    const bounds = ["--database-timeout-ms", "1000", "--cache-max-age-ms", String(scaled(2_000))]
    server = spawnServer([...serve, ...bounds])
  })
  after(async () => {
    server.signal("SIGKILL")
    await server.ended
    await folder.end()
  })

  it("is reported in time, while memory serves within its maximum age, and ends by itself", async () => {
    const line = connectTo(await server.address())
    const { storeChain, getChain, listChains } = line.calls(TrustStoreService)
    const { check } = line.calls(health.Health)
    const store = (agentId: string) =>
      until(`${agentId} is stored`, () => storeChain({ chain: sampleChain(agentId) }))
    await store("warm")
    for (let round = 0; round < 2; round++) {
      const postmaster = (await folder.postmaster()) as number
      await until("it is in memory", () => getChain({ agentId: "warm" }))
      const letUp = await holdDown(postmaster)
      try {
        expect((await getChain({ agentId: "warm" })).stored?.record?.agentId).to.equal("warm")
        const failures = await Promise.all([
          failureOf(getChain({ agentId: `cold-${round}` })),
          failureOf(storeChain({ chain: sampleChain(`cold-${round}`) })),
          failureOf(listChains({})),
        ])
        for (const failure of failures) {
          const { info, retry } = detailsOf(failure)
          expect(info?.reason).to.equal("DATABASE_UNAVAILABLE")
          expect(retry).to.not.equal(undefined)
        }
        await until("health says so", async () => (await check({ service: "" })).status === NOT_SERVING)
        const stale = await until("memory is too old", async () => {
          const answer = await getChain({ agentId: "warm" }).catch((error) => detailsOf(error).info?.reason)
          return typeof answer === "string" && answer
        })
        expect(stale).to.equal("DATABASE_UNAVAILABLE")
      } finally {
        letUp()
      }
      await until("it serves again", async () => (await check({ service: "" })).status === SERVING)
      await store(`cold-${round}`)
      expect((await getChain({ agentId: "warm" })).stored?.record?.agentId).to.equal("warm")
    }
    line.close()
  })

  it("is reported by an SDK call with default settings, retries included", async () => {
    const registry = connect(await server.address())
    await until("it serves", async () => (await registry.checkHealth()) === "SERVING")
    const letUp = await holdDown((await folder.postmaster()) as number)
    try {
      const failure = await registry.getChain({ agentId: "cold" }).catch((error) => error)
      expect(failure)
        .to.be.instanceOf(TrustStoreDatabaseError)
        .and.include({ reason: "DATABASE_UNAVAILABLE" })
      expect(failure.retryAfterMs).to.be.above(0)
    } finally {
      letUp()
      registry.close()
    }
  })

  /** Kills it and, since the server would have it back in less than a second, whichever comes after it. */
  async function holdDown(first: number) {
    const killing = (pid: number | undefined) => (pid ? killAll(pid).catch(() => undefined) : undefined)
    await killing(first)
    const killer = setInterval(() => {
      void folder
        .postmaster()
        .then(killing)
        .catch(() => undefined)
    }, 20)
    return () => clearInterval(killer)
  }
})
