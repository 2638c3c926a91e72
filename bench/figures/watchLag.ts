import { join } from "node:path"
import type { Figure } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive } from "../load/job.js"
import type { Latency } from "../load/latency.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { watching } from "../load/watch.js"

const AGENTS = 2_000
const RATE = 1_000
const BOUND_MS = 20

/** How long after its write a change reaches a watcher. */
export const watchLag: Figure = {
  name: "watch-lag",
  title: `WatchChains at ${RATE} writes a second`,
  ratios: [{ of: "p99 of the lag", to: `bound of ${BOUND_MS} ms`, most: 1 }],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database() })
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const bodies = await writeBodies(join(lab.folder, "store"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 4, inFlight: 64, ...lab.times }
    await drive({ ...job, once: true })
    const lags: Latency[] = []
    let written = 0
    for (let round = 0; round < lab.rounds; round++) {
      const { lag } = await watching(lab, address, 1, async () => {
        const { answers, seconds, total } = await drive({ ...job, rate: RATE })
        written = answers / seconds
        return total
      })
      lab.say(`  ${Math.round(written)} writes/s: p50 ${lag.p50.toFixed(2)} ms, p99 ${lag.p99.toFixed(2)} ms`)
      lags.push(lag)
    }
    const side = (name: string, of: (lag: Latency) => number) =>
      ({ name, unit: "ms", values: lags.map(of) }) as const
    return {
      measured: [
        side("p50 of the lag", ({ p50 }) => p50),
        side("p99 of the lag", ({ p99 }) => p99),
        side(`bound of ${BOUND_MS} ms`, () => BOUND_MS),
      ],
      notes: [
        `from updated_at, which is set before the commit; ${Math.round(written)} writes/s in the last round`,
      ],
    }
  },
}
