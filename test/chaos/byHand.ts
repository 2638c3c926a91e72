import { setTimeout as sleep } from "node:timers/promises"
import type postgres from "postgres"
import type { Call } from "./history.js"
import type { Random } from "./random.js"

/** Changes an agent's chain by hand, in a transaction that stays open for a while before and after the change. */
export async function changeByHand(
  sql: postgres.Sql,
  agentId: string,
  history: Call[],
  random: Random,
): Promise<void> {
  const [beforeMs, afterMs] = [random.between(0, 300), random.between(0, 600)]
  const invokedAt = performance.now()
  const change = random.chance(0.5)
    ? sql`update trust_chains set status = 'deleted' where agent_id = ${agentId} and status = 'active'`
    : sql`update trust_chains set authority_id = authority_id where agent_id = ${agentId} and status = 'active'`
  const rows = await sql.begin(async (transaction) => {
    await transaction`select count(*) from trust_chains`
    await sleep(beforeMs)
    const changed = await transaction<
      Changed[]
    >`${change} returning revision, content_hash, request_id, is_active`
    await sleep(afterMs)
    return changed
  })
  for (const row of rows)
    history.push({
      client: "psql",
      server: -1,
      life: undefined,
      operation: "hand",
      agentId,
      requestId: row.request_id,
      invokedAt,
      endedAt: performance.now(),
      outcome: {
        kind: "record",
        revision: BigInt(row.revision),
        contentHash: row.content_hash,
        active: row.is_active,
      },
    })
}

interface Changed {
  revision: string
  content_hash: string
  request_id: string
  is_active: boolean
}
