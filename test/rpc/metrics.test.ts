import { TrustStoreService } from "@trust-registry/proto"
import { createLog, defaultConfig, startServer } from "@trust-registry/server"
import { expect } from "chai"
import { failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"
import { withRegistry } from "../support/withRegistry.js"

describe("metrics", () => {
  const { registry, line } = withRegistry({ metricsListen: { host: "127.0.0.1", port: 0 } })
  const address = () => registry.log.find(({ msg }) => msg === "serving metrics")?.metrics
  /** Every series with its value. */
  const scrape = async () => {
    const response = await fetch(`http://${address()}/metrics`)
    expect(response.status).to.equal(200)
    const lines = (await response.text()).split("\n").filter((text) => text !== "" && !text.startsWith("#"))
    const series = lines.map((text) => /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)$/.exec(text))
    expect(series).to.not.include(null)
    return new Map(series.map((parts) => [parts?.[1], Number(parts?.[2])]))
  }

  it("count calls and their duration by method and code", async () => {
    const { storeChain, getChain } = line.calls(TrustStoreService)
    await storeChain({ chain: sampleChain("counted") })
    for (let i = 0; i < 7; i++) await getChain({ agentId: "counted" })
    await failureOf(getChain({ agentId: "nobody" }))
    await failureOf(getChain({ agentId: "" }))
    const method = `method="${TrustStoreService.typeName}/GetChain"`
    const count = (code: string) => `trust_registry_rpc_duration_seconds_count{${method},code="${code}"}`
    const told = await scrape()
    expect(told.get(count("OK"))).to.equal(7)
    expect(told.get(count("NOT_FOUND"))).to.equal(1)
    expect(told.get(count("INVALID_ARGUMENT"))).to.equal(1)
    expect(told.get(`trust_registry_rpc_duration_seconds_bucket{le="+Inf",${method},code="OK"}`)).to.equal(7)
    expect(told.get(`trust_registry_rpc_duration_seconds_sum{${method},code="OK"}`)).to.be.above(0)
  })

  it("report on memory, writes, feed and database", async () => {
    const { storeChain, getChain } = line.calls(TrustStoreService)
    const before = await scrape()
    const agents = Array.from({ length: 30 }, (_, i) => `told-${i}`)
    const answers = await Promise.all(agents.map((agentId) => storeChain({ chain: sampleChain(agentId) })))
    const newest = Math.max(...answers.map(({ record }) => Number(record?.revision)))
    await until(
      "the feed has heard of it",
      async () => (await scrape()).get("trust_registry_feed_revision") === newest,
    )
    for (let turn = 0; turn < 2; turn++) for (const agentId of agents) await getChain({ agentId })
    const told = await scrape()
    const grown = (name: string) =>
      (told.get(`trust_registry_${name}`) ?? 0) - (before.get(`trust_registry_${name}`) ?? 0)
    expect(grown('cache_misses_total{cache="chains"}')).to.equal(30)
    expect(grown('cache_hits_total{cache="chains"}')).to.equal(30)
    expect(grown('cache_entries{cache="chains"}')).to.equal(30)
    expect(grown("write_batch_rows_total")).to.equal(30)
    expect(grown("write_batches_total")).to.be.within(1, 30)
    expect(told.get("trust_registry_writes_waiting")).to.equal(0)
    expect(told.get("trust_registry_newest_revision")).to.equal(newest)
    expect(told.get("trust_registry_feed_age_seconds")).to.be.at.least(0)
    expect(told.get("trust_registry_memory_fresh")).to.equal(1)
    expect(told.get("trust_registry_database_available")).to.equal(1)
    expect(told.get("process_start_time_seconds")).to.be.a("number")
  })

  it("are served only on their port, identify nobody, and are off by default", async () => {
    expect((await fetch(`http://${address()}/`)).status).to.equal(404)
    expect((await fetch(`http://${address()}/metrics`, { method: "POST" })).status).to.equal(404)
    expect(await (await fetch(`http://${address()}/metrics`)).text()).to.not.match(/counted|told-|org-acme/)
    expect(defaultConfig().metricsListen).to.equal(undefined)
  })

  it("stop the start if their port is taken", async () => {
    const [host = "", port] = String(address()).split(":")
    const config = defaultConfig({
      listen: { host: "127.0.0.1", port: 0 },
      metricsListen: { host, port: Number(port) },
    })
    const { connection } = registry
    const failure = await startServer({ config, log: createLog("silent"), connection }).catch(
      (error) => error,
    )
    expect(failure.message).to.include("TRUST_REGISTRY_METRICS_LISTEN")
  })
})
