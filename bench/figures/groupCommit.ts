import { join } from "node:path"
import type { Figure, Point } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive, rateOf } from "../load/job.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { upserts } from "../peers/upsert.js"
import { hasProgram } from "../programs.js"
import { migrate, stock } from "../stock.js"

const AGENTS = 2_000
const CALLERS = [1, 4, 16, 64]

/** The gain from sharing a transaction among concurrent writes. */
export const groupCommit: Figure = {
  name: "group-commit",
  title: "StoreChain by number of callers",
  ratios: [],
  async run(lab) {
    const [ours, theirs] = [await lab.database(), await lab.database()]
    const chain = await usualChain(agentAt(0))
    await migrate(lab.root, theirs)
    await stock(theirs, chain, 0, AGENTS)
    const { address } = await lab.registry({ database: ours })
    const chains = await Promise.all(Array.from({ length: AGENTS }, (_, index) => usualChain(agentAt(index))))
    const bodies = await writeBodies(join(lab.folder, "store"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 4 }
    await drive({ ...job, once: true, inFlight: 64, ...lab.times })
    const upsert = await upserts(lab, theirs, chain, AGENTS)
    const points: Point[] = []
    for (const callers of CALLERS) {
      const y = rateOf(await drive({ ...job, inFlight: callers, ...lab.times }))
      points.push({ series: "StoreChain, group commit", x: callers, y })
      lab.say(`  ${callers} callers: ${y.toFixed(0)} req/s`)
      if (!hasProgram("pgbench")) continue
      const single = await upsert(callers)
      points.push({ series: "pgbench, one transaction per upsert, our triggers", x: callers, y: single })
      lab.say(`  ${callers} callers, one transaction each: ${single.toFixed(0)} req/s`)
    }
    const title = "Durable writes by number of callers"
    const curve = { name: "group-commit", title, x: "callers", y: "writes per second", logX: true, points }
    return { measured: [], curves: [curve], missing: hasProgram("pgbench") ? [] : ["pgbench"] }
  },
}
