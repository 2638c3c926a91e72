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
/** Caches fill, and compilers settle. */
const WARM_MINUTES = 2
const SAMPLE_SECONDS = 10
const AGENTS = 2_000
const WATCHERS = 20

/** Ten minutes of reads, writes, lists and watches: memory that only grows would show. */
export const soak: Figure = {
  name: "soak",
  title: `Memory under ${MINUTES} minutes of mixed load, garbage collected`,
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

/** What came of the load: writes that were done, all calls that were answered, and those that failed. */
interface Mixed {
  stored: number
  total: number
  failed: number
}

/** Puts the load on; on a busy machine some calls may fail, and memory is to come back from that too. */
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

/** What JavaScript holds: the heap and the buffers outside. */
function megabytes({ heapUsed, external }: Heap) {
  return (heapUsed + external) / 1024 ** 2
}

function curveOf(points: Point[]) {
  const title = "Memory in use under mixed load, garbage collected"
  return { name: "soak", title, x: "minutes", y: "megabytes", points }
}
