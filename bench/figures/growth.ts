import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Curve, Figure, Point } from "../figure.js"
import type { BenchDatabase, Lab, Registry } from "../lab.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, smallChain } from "../load/chains.js"
import { drive } from "../load/job.js"
import {
  COUNT_CHAINS,
  GET_CHAIN,
  getChain,
  LIST_CHAINS,
  listChains,
  STORE_CHAIN,
  storeChain,
} from "../load/registryCalls.js"

const SIZES = [1_000, 10_000, 100_000, 1_000_000]
/** Agents that are read and written, spread evenly over all. */
const AGENTS = 1_000
/** How often slow calls are measured, such as a count of a million chains. */
const SLOW_CALLS = 11

/** How latency and memory grow with the number of stored chains. */
export const growth: Figure = {
  name: "growth",
  title: "From 1,000 to 1,000,000 chains",
  ratios: [],
  async run(lab) {
    const times: Point[] = []
    const sizes: Point[] = []
    for (const chains of SIZES) {
      lab.say(`  ${chains} chains`)
      const database = await lab.stocked(chains)
      const registry = await lab.registry({ database })
      const bodies = await bodiesFor(lab, chains)
      for (const [series, job] of Object.entries(jobsFor(registry, bodies))) {
        const { latency } = await drive({ ...job, ...lab.times })
        lab.say(`    ${series}: ${latency.p50.toFixed(3)} ms`)
        times.push({ series, x: chains, y: latency.p50 })
      }
      sizes.push(
        { series: "registry's memory", x: chains, y: await residentMegabytes(registry.pid) },
        { series: "database on disk", x: chains, y: await databaseMegabytes(database) },
      )
      await registry.end()
    }
    return {
      measured: [],
      curves: [timesCurve(times), sizesCurve(sizes)],
      notes: ["medians of sequential calls"],
    }
  },
}

interface Bodies {
  hot: string
  spread: string
  page: string
  count: string
  store: string
}

async function bodiesFor(lab: Lab, chains: number): Promise<Bodies> {
  const step = chains / AGENTS
  const agents = Array.from({ length: AGENTS }, (_, index) => agentAt(index * step))
  const file = (name: string, messages: Uint8Array[]) =>
    writeBodies(join(lab.folder, `${name}-${chains}`), messages)
  return {
    hot: await file("hot", agents.slice(0, 1).map(getChain)),
    spread: await file("spread", agents.map(getChain)),
    page: await file("page", Array(SLOW_CALLS).fill(listChains({ pageSize: 100 }))),
    count: await file("count", Array(SLOW_CALLS).fill(new Uint8Array())),
    store: await file("store", await Promise.all(agents.map(async (id) => storeChain(await smallChain(id))))),
  }
}

function jobsFor({ address }: Registry, bodies: Bodies) {
  const common = { address, connections: 1, inFlight: 1 }
  return {
    "GetChain, first time": { ...common, path: GET_CHAIN, bodies: bodies.spread, once: true },
    "GetChain, from memory": { ...common, path: GET_CHAIN, bodies: bodies.hot },
    "ListChains, 100": { ...common, path: LIST_CHAINS, bodies: bodies.page, once: true },
    CountChains: { ...common, path: COUNT_CHAINS, bodies: bodies.count, once: true },
    "StoreChain, update": { ...common, path: STORE_CHAIN, bodies: bodies.store, once: true },
  }
}

function timesCurve(points: Point[]): Curve {
  const title = "Latency as the registry grows"
  return { name: "growth-time", title, x: "chains stored", y: "milliseconds", logX: true, logY: true, points }
}

function sizesCurve(points: Point[]): Curve {
  const title = "Memory and disk as the registry grows"
  return { name: "growth-size", title, x: "chains stored", y: "megabytes", logX: true, logY: true, points }
}

async function residentMegabytes(pid: number) {
  const status = await readFile(`/proc/${pid}/status`, "utf8")
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}

async function databaseMegabytes(database: BenchDatabase) {
  return await database.withSql(async (sql) => {
    const [row] = await sql`select pg_database_size(current_database())::float8 / 1048576 as megabytes`
    return Number(row?.megabytes)
  })
}
