import { join } from "node:path"
import type { Figure, Side } from "../figure.js"
import type { BenchDatabase } from "../lab.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive, rateOf } from "../load/job.js"
import { GET_CHAIN, getChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"
import { migrate, stock } from "../stock.js"

const AGENTS = 5_000
const IN_FLIGHT = 64

/** Reads from the database, each of a different agent, against one select per call. */
export const getUncached: Figure = {
  name: "get-uncached",
  title: "GetChain, from the database",
  ratios: [{ of: "GetChain", to: "bare grpc-js handler with one select", least: 0.8 }],
  async run(lab) {
    const database = await lab.database()
    await migrate(lab.root, database)
    await stock(database, await usualChain(agentAt(0)), 0, AGENTS)
    const settings = { TRUST_REGISTRY_CACHE_ENTRIES: "0" }
    const registry = await lab.registry({ database, settings })
    const { address } = registry
    await storeAnswers(database, await bareCall(address, GET_CHAIN, getChain(agentAt(0))))
    const bare = await lab.peer("selectServer", [GET_CHAIN, JSON.stringify(database.connection)])
    const requests = Array.from({ length: AGENTS }, (_, index) => getChain(agentAt(index)))
    const bodies = await writeBodies(join(lab.folder, "get"), requests)
    const job = { path: GET_CHAIN, bodies, connections: 4, inFlight: IN_FLIGHT, ...lab.times }
    const side = (name: string, address: string): Side => ({
      name,
      unit: "req/s",
      measure: async () => rateOf(await drive({ ...job, address })),
    })
    const findings = await inTurn(lab, [
      side("GetChain", address),
      side("bare grpc-js handler with one select", bare.address),
    ])
    const cost = await lab.cost(registry, async () => (await drive({ ...job, address })).total)
    const bareCost = await lab.cost(bare, async () => (await drive({ ...job, address: bare.address })).total)
    return {
      ...findings,
      notes: [
        `${IN_FLIGHT} calls in flight over ${AGENTS} agents; nothing is pinned`,
        `ours: ${cost}`,
        `theirs: ${bareCost}`,
      ],
    }
  },
}

/** Fills the peer's table with the answer of one agent under the ids of all. */
async function storeAnswers(database: BenchDatabase, answer: Buffer) {
  await database.withSql(async (sql) => {
    await sql`create table answers (agent_id text primary key, bytes bytea not null)`
    await sql`insert into answers select agent_id, ${answer} from trust_chains`
    await sql`vacuum analyze answers`
  })
}
