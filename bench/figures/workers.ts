import { join } from "node:path"
import type { Figure, Side } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { h2load } from "../load/h2load.js"
import { GET_CHAIN, getChain, STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"

/** The gain from a second process; with only two cores, the load generator competes for them. */
export const workers: Figure = {
  name: "workers",
  title: "GetChain, from memory, by number of workers",
  ratios: [{ of: "2 workers", to: "1 worker" }],
  async run(lab) {
    const database = await lab.database()
    const body = await writeBodies(join(lab.folder, "get"), [getChain(agentAt(0))])
    const side = async (name: string, count: number): Promise<Side> => {
      const settings = { TRUST_REGISTRY_WORKERS: String(count) }
      const { address } = await lab.registry({ database, settings })
      await bareCall(address, STORE_CHAIN, storeChain(await usualChain(agentAt(0))))
      return {
        name,
        unit: "req/s",
        needs: ["h2load"],
        measure: () => h2load({ address, path: GET_CHAIN, body, connections: 8, streams: 8, ...lab.times }),
      }
    }
    const findings = await inTurn(lab, [await side("1 worker", 1), await side("2 workers", 2)])
    return { ...findings, notes: ["8 connections; nothing but the load is pinned"] }
  },
}
