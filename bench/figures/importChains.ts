import { join } from "node:path"
import type { Figure } from "../figure.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive, rateOf } from "../load/job.js"
import { loop } from "../load/loop.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"
import { migrate } from "../stock.js"

const CHAINS = 10_000

/** An import, against sequential writes and against bare upserts in PostgreSQL. */
export const importChains: Figure = {
  name: "import",
  title: `ImportChains of ${CHAINS} chains`,
  ratios: [
    { of: "ImportChains", to: "sequential StoreChain", least: 5 },
    { of: "ImportChains", to: "bare upserts of 1,000 rows, our triggers", least: 0.6 },
  ],
  async run(lab) {
    const [ours, theirs] = [await lab.database(), await lab.database()]
    await migrate(lab.root, theirs)
    const { address } = await lab.registry({ database: ours })
    const chains = await Promise.all(Array.from({ length: CHAINS }, (_, index) => usualChain(agentAt(index))))
    // ImportChainsRequest has the fields of StoreChainRequest.
    const bodies = await writeBodies(join(lab.folder, "chains"), chains.map(storeChain))
    const job = { address, path: STORE_CHAIN, bodies, connections: 1, inFlight: 1, ...lab.times }
    const connection = JSON.stringify(theirs.connection)
    return await inTurn(lab, [
      {
        name: "ImportChains",
        unit: "chains/s",
        measure: () => loop("load/importAll.ts", [address, bodies]),
      },
      {
        name: "bare upserts of 1,000 rows, our triggers",
        unit: "chains/s",
        measure: () => loop("peers/multiUpsert.ts", [connection, String(CHAINS)]),
      },
      {
        name: "sequential StoreChain",
        unit: "chains/s",
        measure: async () => rateOf(await drive(job)),
      },
    ])
  },
}
