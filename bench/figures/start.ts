import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Figure } from "../figure.js"
import type { Lab } from "../lab.js"
import { inTurn } from "../rounds.js"

/** The time from the command until the registry can answer calls. */
export const start: Figure = {
  name: "start",
  title: "Startup until ready",
  ratios: [],
  async run(lab) {
    const given = await lab.database()
    const folder = join(lab.folder, "kept")
    return await inTurn(lab, [
      {
        name: "embedded PostgreSQL, new folder",
        unit: "ms",
        measure: async () => {
          const fresh = join(lab.folder, "fresh")
          const ms = await startOnce(lab, { TRUST_REGISTRY_DATA_DIR: fresh, DATABASE_URL: "" })
          await rm(fresh, { recursive: true })
          return ms
        },
      },
      {
        name: "embedded PostgreSQL, existing data",
        unit: "ms",
        measure: () => startOnce(lab, { TRUST_REGISTRY_DATA_DIR: folder, DATABASE_URL: "" }),
      },
      { name: "PostgreSQL of DATABASE_URL", unit: "ms", measure: () => startOnce(lab, {}) },
    ])

    async function startOnce(lab: Lab, settings: NodeJS.ProcessEnv) {
      const began = performance.now()
      const registry = await lab.registry({ database: given, settings })
      const ms = performance.now() - began
      await registry.end()
      return ms
    }
  },
}
