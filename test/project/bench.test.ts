import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { changesOf, numbersChanged, WORSE } from "../../bench/compare.js"
import { withGenerated } from "../../bench/document.js"
import { evaluate, type Figure, median } from "../../bench/figure.js"
import { figures } from "../../bench/figures.js"
import { writeBodies } from "../../bench/load/bodies.js"
import { agentAt, usualChain } from "../../bench/load/chains.js"
import { answersPerSecond } from "../../bench/load/h2load.js"
import { drive, type Job } from "../../bench/load/job.js"
import { lagBehind } from "../../bench/load/lagBehind.js"
import { latencyOf } from "../../bench/load/latency.js"
import { transactionsPerSecond } from "../../bench/load/pgbench.js"
import { GET_CHAIN, getChain, STORE_CHAIN, storeChain } from "../../bench/load/registryCalls.js"
import { plot } from "../../bench/plots.js"
import { ownerOf, sharesOf } from "../../bench/profile.js"
import { ratioRows } from "../../bench/table.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"

const H2LOAD = `starting benchmark...
finished in 4.01s, 24858.67 req/s, 65.78MB/s
requests: 74576 total, 74576 started, 74576 done, 74576 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 74544 2xx, 0 3xx, 0 4xx, 0 5xx
`

const PGBENCH = `number of transactions actually processed: 10587
number of failed transactions: 0 (0.000%)
tps = 5293.500000 (without initial connection time)
`

const figure: Pick<Figure, "title" | "ratios"> = {
  title: "reads",
  ratios: [
    { of: "ours", to: "theirs", least: 2 },
    { of: "theirs", to: "ours", most: 0.4 },
    { of: "ours", to: "absent", least: 1 },
  ],
}

function sides(ours: number[], theirs: number[]) {
  return {
    measured: [
      { name: "ours", unit: "req/s" as const, values: ours },
      { name: "theirs", unit: "req/s" as const, values: theirs },
    ],
  }
}

describe("the benchmark", () => {
  it("lists every figure in docs/performance.md, each under a unique name", async () => {
    const text = await readFile(join(import.meta.dirname, "..", "..", "docs", "performance.md"), "utf8")
    const names = figures.map(({ name }) => name)
    expect(new Set(names).size).to.equal(names.length)
    expect(names.filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([])
  })

  it("compares round by round, and evaluates the median", () => {
    const { ratios } = evaluate(figure, sides([20, 30, 90], [10, 10, 10]))
    expect(ratios.map(({ values }) => values)).to.deep.equal([[2, 3, 9], [0.5, 1 / 3, 1 / 9], []])
    expect(ratios.map(({ reached }) => reached)).to.deep.equal([true, true, undefined])
    expect(evaluate(figure, sides([10], [10])).ratios.map(({ reached }) => reached)).to.deep.equal([
      false,
      false,
      undefined,
    ])
    expect(ratioRows(evaluate(figure, sides([10], [10]))).map((row) => row.at(-1))).to.deep.equal([
      "no",
      "no",
      "not measured",
    ])
  })

  it("computes medians, and nearest-rank latency percentiles", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).to.deep.equal([2, 2.5, 7])
    const times = Array.from({ length: 1_000 }, (_, index) => 1_000 - index)
    expect(latencyOf(times)).to.deep.equal({ p50: 500, p99: 990, p999: 999, max: 1_000 })
  })

  it("matches events with the responses to their writes, agent by agent", () => {
    const answered = [
      ["a", 10],
      ["b", 11],
      ["a", 20],
    ] as const
    expect(
      lagBehind(answered, [
        ["b", 9],
        ["a", 13],
        ["a", 21],
      ]),
    ).to.deep.equal([3, -2, 1])
    expect(() => lagBehind(answered, [["a", 13]])).to.throw("no event arrived for a write to b")
  })

  it("reports rates and times that are a fifth worse", () => {
    const [before, after] = [evaluate(figure, sides([30], [10])), evaluate(figure, sides([20], [10]))]
    const worse = changesOf("get", before.ratios, after.ratios).filter(({ better }) => better < WORSE)
    expect(worse.map(({ what }) => what)).to.deep.equal(["ours / theirs", "theirs / ours"])
    const times = (values: number[]) => [{ name: "start", unit: "ms" as const, values }]
    expect(numbersChanged("start", times([100]), times([200]))[0]?.better).to.equal(0.5)
    expect(numbersChanged("start", times([100]), times([50]))[0]?.better).to.equal(2)
  })

  it("parses h2load's output, and refuses a run with failures", () => {
    expect(answersPerSecond(H2LOAD)).to.equal(24858.67)
    expect(() => answersPerSecond(H2LOAD.replace("0 errored", "3 errored"))).to.throw("3 of h2load's calls")
    expect(() => answersPerSecond(H2LOAD.replaceAll("74576", "0"))).to.throw("measured nothing")
  })

  it("parses pgbench's output, and refuses a run with failures", () => {
    expect(transactionsPerSecond(PGBENCH)).to.equal(5293.5)
    expect(() => transactionsPerSecond(PGBENCH.replace("transactions: 0", "transactions: 2"))).to.throw(
      "pgbench failed",
    )
    expect(() => transactionsPerSecond("")).to.throw("pgbench failed")
  })

  it("writes between the document's markers, and nowhere else", () => {
    const text = "a\n<!-- npm run bench writes from here -->\nold\n<!-- to here -->\nz"
    const written = withGenerated(text, "new")
    expect(written)
      .to.match(/^a\n.*\n\nnew\n\n.*\nz$/s)
      .and.not.to.include("old")
    expect(withGenerated(written, "new")).to.equal(written)
    expect(() => withGenerated("no marks", "new")).to.throw("has no part between")
  })

  it("sums profiles by owner, without idle time", () => {
    const frame = (id: number, functionName: string, url: string) => ({
      id,
      callFrame: { functionName, url, lineNumber: 0 },
    })
    const nodes = [
      frame(1, "(idle)", ""),
      frame(2, "respond", "node:internal/http2/core"),
      frame(3, "get", "file:///x/server/dist/store/cache.js"),
      frame(4, "write", "file:///x/node_modules/@grpc/grpc-js/build/src/a.js"),
    ]
    expect(sharesOf({ nodes, samples: [1, 1, 2, 2, 3, 4] }, ownerOf)).to.deep.equal([
      [0.5, "node:internal/http2"],
      [0.25, "server/store"],
      [0.25, "@grpc/grpc-js"],
    ])
  })

  it("draws curves as SVG", async () => {
    const folder = await mkdtemp(join(tmpdir(), "trust-registry-plot-"))
    const point = (x: number, y: number) => ({ series: "ours", x, y })
    const curve = { name: "try", title: "A title", x: "chains", y: "ms", logX: true }
    const file = await plot({ ...curve, points: [point(10, 1), point(1_000, 2)] }, folder)
    expect(await readFile(join(folder, file), "utf8")).to.match(/^<svg .*A title.*<\/svg>\n$/s)
    await rm(folder, { recursive: true })
  })

  it("creates the same chain each time, so that two runs measure the same bytes", async () => {
    const [one, again] = [await usualChain(agentAt(1)), await usualChain(agentAt(1))]
    expect(storeChain(one)).to.deep.equal(storeChain(again))
    expect(storeChain(one)).to.have.length.within(2_000, 3_000)
  })
})

describe("the load generator", () => {
  let registry: TestRegistry
  let folder: string
  let job: Omit<Job, "path" | "bodies">

  before(async () => {
    registry = await startRegistry()
    folder = await mkdtemp(join(tmpdir(), "trust-registry-drive-"))
    const times = { warmSeconds: 0, seconds: scaled(500) / 1000 }
    job = { address: registry.address, connections: 2, inFlight: 8, ...times }
  })

  after(async () => {
    await registry.stop()
    await rm(folder, { recursive: true })
  })

  it("sends each call once on request, even large ones", async () => {
    const chains = await Promise.all(Array.from({ length: 30 }, (_, index) => usualChain(agentAt(index))))
    for (const chain of chains.slice(0, 10))
      if (chain.genesis) chain.genesis.metadataJson = JSON.stringify({ padding: "x".repeat(100_000) })
    const bodies = await writeBodies(join(folder, "store"), chains.map(storeChain))
    const { answers } = await drive({ ...job, path: STORE_CHAIN, bodies, once: true })
    const [row] = await registry.sql`select count(*)::integer as count from trust_chains`
    expect([answers, row?.count]).to.deep.equal([30, 30])
  })

  it("measures closed and open loops", async () => {
    const bodies = await writeBodies(join(folder, "get"), [getChain(agentAt(0)), getChain(agentAt(20))])
    const closed = await drive({ ...job, path: GET_CHAIN, bodies })
    expect(closed.answers).to.be.above(0)
    const open = await drive({ ...job, path: GET_CHAIN, bodies, rate: 100 })
    expect(open.answers).to.be.within(1, job.seconds * 100)
    expect(open.latency.max).to.be.at.least(open.latency.p50).and.above(0)
  })

  it("fails if a call fails", async () => {
    const bodies = await writeBodies(join(folder, "missing"), [getChain(agentAt(0)), getChain("nobody")])
    const error = await drive({ ...job, path: GET_CHAIN, bodies }).catch((reason: Error) => reason)
    expect(String(error)).to.match(/calls of .*GetChain failed/)
  })
})
