import { join } from "node:path"
import type { Figure, Side } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive, rateOf } from "../load/job.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { turnOffTriggers, upserts } from "../peers/upsert.js"
import { inTurn } from "../rounds.js"
import { migrate, stock } from "../stock.js"

const AGENTS = 5_000
const IN_FLIGHT = 64

/** Durable writes by many callers, against plain upserts of the same documents and against sequential writes. */
export const storeDurable: Figure = {
  name: "store-durable",
  title: "StoreChain, durable, authority unknown",
  ratios: [
    { of: "64 in flight", to: "pgbench upserts, 64 sessions, no triggers", least: 0.7 },
    { of: "64 in flight", to: "sequential", least: 4 },
  ],
  async run(lab) {
    const [ours, theirs] = [await lab.database(), await lab.database()]
    await migrate(lab.root, theirs)
    await turnOffTriggers(theirs)
    const chain = await usualChain(agentAt(0))
    await stock(theirs, chain, 0, AGENTS)
    const registry = await lab.registry({ database: ours })
    const { address } = registry
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const bodies = await writeBodies(join(lab.folder, "store"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 4 }
    await drive({ ...job, once: true, inFlight: IN_FLIGHT, ...lab.times })
    const upsert = await upserts(lab, theirs, chain, AGENTS)
    const side = (name: string, inFlight: number): Side => ({
      name,
      unit: "req/s",
      measure: async () => rateOf(await drive({ ...job, inFlight, ...lab.times })),
    })
    const findings = await inTurn(lab, [
      side("64 in flight", IN_FLIGHT),
      {
        name: "pgbench upserts, 64 sessions, no triggers",
        unit: "req/s",
        needs: ["pgbench"],
        measure: () => upsert(IN_FLIGHT),
      },
      side("sequential", 1),
    ])
    const cost = await lab.cost(registry, async () => {
      return (await drive({ ...job, inFlight: IN_FLIGHT, ...lab.times })).total
    })
    return { ...findings, notes: [`updates of ${AGENTS} agents; nothing is pinned`, `64 in flight: ${cost}`] }
  },
}
