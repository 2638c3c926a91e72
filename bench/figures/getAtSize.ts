import { join } from "node:path"
import type { Figure, Side } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt } from "../load/chains.js"
import { drive } from "../load/job.js"
import { GET_CHAIN, getChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"

const AGENTS = 500

/** Whether reads from memory slow down as more chains are stored. */
export const getAtSize: Figure = {
  name: "get-at-size",
  title: "GetChain, from memory, median latency",
  ratios: [{ of: "1,000,000 chains stored", to: "1,000 chains stored", most: 1.1 }],
  async run(lab) {
    const side = async (name: string, chains: number): Promise<Side> => {
      const { address } = await lab.registry({ database: await lab.stocked(chains), cpu: "server" })
      const step = chains / AGENTS
      const requests = Array.from({ length: AGENTS }, (_, index) => getChain(agentAt(index * step)))
      const bodies = await writeBodies(join(lab.folder, String(chains)), requests)
      const job = { address, path: GET_CHAIN, bodies, connections: 1, inFlight: 1, ...lab.times }
      return { name, unit: "ms", measure: async () => (await drive(job, "load")).latency.p50 }
    }
    return await inTurn(lab, [
      await side("1,000,000 chains stored", 1_000_000),
      await side("1,000 chains stored", 1_000),
    ])
  },
}
