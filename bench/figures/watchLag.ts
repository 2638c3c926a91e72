import { join } from "node:path"
import type { Figure } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { type Drive, drive } from "../load/job.js"
import { lagBehind } from "../load/lagBehind.js"
import { type Latency, latencyOf } from "../load/latency.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { watching } from "../load/watch.js"

const AGENTS = 2_000
const RATE = 1_000
const BOUND_MS = 20

/** The time from a write until its change reaches a watcher. */
export const watchLag: Figure = {
  name: "watch-lag",
  title: `WatchChains at ${RATE} writes per second`,
  ratios: [{ of: "p99 lag", to: `limit of ${BOUND_MS} ms`, most: 1 }],
  async run(lab) {
    const registry = await lab.registry({ database: await lab.database() })
    const { address } = registry
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const bodies = await writeBodies(join(lab.folder, "store"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 4, inFlight: 64, ...lab.times }
    await drive({ ...job, once: true })
    await drive(job)
    const lags: Latency[] = []
    const notes = [`measured from the answer to the writer (negative if the event arrived first)`]
    for (let round = 0; round < lab.rounds; round++) {
      let written: Drive | undefined
      let cost = ""
      const write = async () => {
        written = await drive({ ...job, rate: RATE, coarse: true, times: true })
        return written.total
      }
      const { lag, seen } = await watching(lab, address, 1, async () => {
        cost = await lab.cost(registry, write)
        return (written as Drive).total
      })
      const { answered = [], measuredFrom, latency } = written as Drive
      const agents = answered.map(([body, at]) => [agentAt(body), at] as const)
      const counted = agents.map(([, at]) => at >= measuredFrom)
      const behind = latencyOf(lagBehind(agents, seen).filter((_, index) => counted[index]))
      lab.say(`  p50 ${behind.p50.toFixed(2)} ms, p99 ${behind.p99.toFixed(2)} ms`)
      if (round === 0) {
        notes.push(
          `from updated_at, which is set before the commit: p50 ${lag.p50.toFixed(1)} ms, p99 ${lag.p99.toFixed(1)} ms`,
          `StoreChain itself: p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms; its event included, ${cost}`,
        )
      }
      lags.push(behind)
    }
    const side = (name: string, of: (lag: Latency) => number) =>
      ({ name, unit: "ms", values: lags.map(of) }) as const
    return {
      measured: [
        side("p50 lag", ({ p50 }) => p50),
        side("p99 lag", ({ p99 }) => p99),
        side(`limit of ${BOUND_MS} ms`, () => BOUND_MS),
      ],
      notes,
    }
  },
}
