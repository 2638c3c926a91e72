import { join } from "node:path"
import type { Figure, Point } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive } from "../load/job.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { watching } from "../load/watch.js"

const AGENTS = 100
const RATE = 5
const WATCHERS = [1, 10, 100, 1_000]

/** The cost of many watchers that each receive every change. */
export const watchCrowd: Figure = {
  name: "watch-crowd",
  title: `WatchChains with 1 to 1,000 watchers at ${RATE} writes per second`,
  ratios: [],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database(), cpu: "server" })
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const bodies = await writeBodies(join(lab.folder, "store"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 1, inFlight: 8, ...lab.times }
    await drive({ ...job, once: true })
    const points: Point[] = []
    for (const watchers of WATCHERS) {
      let writeMs = 0
      const { lag } = await watching(lab, address, watchers, async () => {
        const { latency, total } = await drive({ ...job, rate: RATE })
        writeMs = latency.p50
        return total
      })
      lab.say(`  ${watchers} watchers: lag p50 ${lag.p50.toFixed(2)} ms, p99 ${lag.p99.toFixed(2)} ms`)
      points.push(
        { series: "lag p50", x: watchers, y: lag.p50 },
        { series: "lag p99", x: watchers, y: lag.p99 },
        { series: "StoreChain p50", x: watchers, y: writeMs },
      )
    }
    const title = `Watchers of all changes at ${RATE} writes per second`
    const axes = { x: "watchers", y: "milliseconds", logX: true, logY: true }
    return { measured: [], curves: [{ name: "watch-crowd", title, ...axes, points }] }
  },
}
