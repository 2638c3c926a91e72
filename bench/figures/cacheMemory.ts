import { join } from "node:path"
import type { Figure } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { watchedRegistry } from "../load/heap.js"
import { drive } from "../load/job.js"
import { GET_CHAIN, getChain } from "../load/registryCalls.js"
import { migrate, stock } from "../stock.js"

const AGENTS = 20_000

/** The memory of a cached chain, compared with its size on the wire. */
export const cacheMemory: Figure = {
  name: "cache-memory",
  title: "Memory of a cached chain",
  ratios: [{ of: "in memory", to: "encoded" }],
  async run(lab) {
    const database = await lab.database()
    await migrate(lab.root, database)
    await stock(database, await usualChain(agentAt(0)), 0, AGENTS)
    // The cache always keeps at least half of its entries.
    const settings = {
      TRUST_REGISTRY_CACHE_ENTRIES: String(4 * AGENTS),
      TRUST_REGISTRY_CACHE_MAX_AGE_MS: "60000",
    }
    const registry = await watchedRegistry(lab, { database, settings })
    const { address } = registry
    const answer = await bareCall(address, GET_CHAIN, getChain(agentAt(0)))
    const before = await registry.heap()
    const requests = Array.from({ length: AGENTS - 1 }, (_, index) => getChain(agentAt(index + 1)))
    const bodies = await writeBodies(join(lab.folder, "get"), requests)
    const job = { address, path: GET_CHAIN, bodies, connections: 1, inFlight: 16, once: true, ...lab.times }
    await drive(job)
    const after = await registry.heap()
    const bytes = (of: "heapUsed" | "external") => (after[of] - before[of]) / requests.length
    return {
      measured: [
        { name: "in memory", unit: "bytes", values: [bytes("heapUsed") + bytes("external")] },
        { name: "encoded", unit: "bytes", values: [answer.length] },
      ],
      notes: [
        `${AGENTS} chains, after garbage collection; ${Math.round(bytes("heapUsed"))} bytes of each in V8's heap`,
      ],
    }
  },
}
