import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Figure, Point } from "../figure.js"
import type { Lab } from "../lab.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { type Heap, watchedRegistry } from "../load/heap.js"
import { type Drive, drive } from "../load/job.js"
import {
  GET_CHAIN,
  getChain,
  LIST_CHAINS,
  listChains,
  STORE_CHAIN,
  storeChain,
} from "../load/registryCalls.js"
import { watching } from "../load/watch.js"

const MINUTES = 10
/** Time for caches to fill and for JIT compilation to settle. */
const WARM_MINUTES = 2
const SAMPLE_SECONDS = 10
const AGENTS = 2_000
const WATCHERS = 20

/** Ten minutes of reads, writes, lists and watches, to detect memory leaks. */
export const soak: Figure = {
  name: "soak",
  title: `Memory during ${MINUTES} minutes of mixed load, after garbage collection`,
  onlyByName: true,
  ratios: [{ of: "last minute", to: `minute ${WARM_MINUTES + 1}`, most: 1.05 }],
  async run(lab) {
    const registry = await watchedRegistry(lab, { database: await lab.database() })
    const load = await mixedLoad(lab, registry.address)
    const samples: { minutes: number; heap: Heap }[] = []
    const began = performance.now()
    const minutes = () => (performance.now() - began) / 60_000
    let over = false
    let mixed: Mixed | undefined
    const work = watching(lab, registry.address, WATCHERS, async () => {
      mixed = await load()
      return mixed.stored
    })
    const finished = work.finally(() => {
      over = true
    })
    finished.catch(() => undefined)
    while (!over) {
      await delay(SAMPLE_SECONDS * 1000)
      const sample = { minutes: minutes(), heap: await registry.heap() }
      samples.push(sample)
      lab.say(`  ${sample.minutes.toFixed(1)} min: ${megabytes(sample.heap).toFixed(1)} MB`)
    }
    await finished
    const during = (from: number) =>
      samples.filter((sample) => sample.minutes >= from && sample.minutes < from + 1)
    const values = (from: number) => during(from).map(({ heap }) => megabytes(heap))
    return {
      measured: [
        { name: "last minute", unit: "MB", values: values(MINUTES - 1) },
        { name: `minute ${WARM_MINUTES + 1}`, unit: "MB", values: values(WARM_MINUTES) },
      ],
      notes: [`${mixed?.total} calls answered, ${mixed?.failed} failed; ${WATCHERS} watchers of everything`],
      curves: [curveOf(samples.map(({ minutes, heap }) => ({ series: "", x: minutes, y: megabytes(heap) })))],
    }
  },
}

/** The result of the load: completed writes, all answered calls, and failed calls. */
interface Mixed {
  stored: number
  total: number
  failed: number
}

/** Starts the load. On a busy machine some calls may fail, after which memory must recover too. */
async function mixedLoad(lab: Lab, address: string): Promise<() => Promise<Mixed>> {
  const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
  const file = (name: string, messages: Uint8Array[]) => writeBodies(join(lab.folder, name), messages)
  const gets = chains.map((_, index) => getChain(agentAt(index)))
  const common = { address, connections: 2, inFlight: 16, warmSeconds: 0, seconds: MINUTES * 60 }
  const store = { ...common, path: STORE_CHAIN, bodies: await file("store", chains.map(storeChain)) }
  const get = { ...common, path: GET_CHAIN, bodies: await file("get", gets) }
  const list = { ...common, path: LIST_CHAINS, bodies: await file("list", [listChains({ pageSize: 50 })]) }
  await drive({ ...store, once: true })
  const mayFail = true
  return async () => {
    const drives = await Promise.all([
      drive({ ...store, rate: 50, mayFail }, "load"),
      drive({ ...get, rate: 1_000, mayFail }, "load"),
      drive({ ...list, rate: 5, mayFail }, "load"),
    ])
    const sum = (of: (one: Drive) => number) => drives.reduce((all, one) => all + of(one), 0)
    return {
      stored: drives[0].total,
      total: sum(({ total }) => total),
      failed: sum(({ failures }) => failures),
    }
  }
}

/** The memory that JavaScript uses: the heap and external buffers, in megabytes. */
function megabytes({ heapUsed, external }: Heap) {
  return (heapUsed + external) / 1024 ** 2
}

function curveOf(points: Point[]) {
  const title = "Memory under mixed load, after garbage collection"
  return { name: "soak", title, x: "minutes", y: "megabytes", points }
}
