import { join } from "node:path"
import { toBinary } from "@bufbuild/protobuf"
import { chainHash, contentHash, contentJson } from "@trust-registry/eatp"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import type postgres from "postgres"
import type { BenchDatabase } from "./lab.js"
import { AUTHORITY, agentAt } from "./load/chains.js"
import { bareEnvironment, runProgram } from "./processes.js"

/** Creates the schema of a checkout's registry. */
export async function migrate(root: string, database: BenchDatabase): Promise<void> {
  await runProgram({
    command: process.execPath,
    args: [join(root, "server/bin/trust-registry-server.js"), "migrate"],
    env: bareEnvironment({ DATABASE_URL: database.url }),
  })
}

/**
 * Stores the same chain for many agents directly in SQL, which is faster than any client. Only the agent ids differ, and
 * the signatures are those of the first chain. Triggers run, so history is complete.
 */
export async function stock(
  database: BenchDatabase,
  chain: TrustLineageChain,
  from: number,
  to: number,
): Promise<void> {
  await database.withSql(async (sql) => {
    for (let next = from; next < to; next += CHUNK) await insert(sql, chain, next, Math.min(to, next + CHUNK))
    await sql`vacuum analyze trust_chains`
  })
}

/** Rows per statement. */
const CHUNK = 50_000

async function insert(sql: postgres.Sql, chain: TrustLineageChain, from: number, to: number) {
  const agent = chain.genesis?.agentId ?? ""
  await sql`
    insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash,
      updated_by)
    select agent, 0, ${AUTHORITY}, replace(${JSON.stringify(contentJson(chain))}, ${agent}, agent)::jsonb,
      ${toBinary(TrustLineageChainSchema, chain).length}::integer, ${chainHash(chain)}, ${contentHash(chain)}, 'bench'
    from (select 'agent-' || lpad(n::text, 7, '0') as agent from generate_series(${from}::integer, ${to - 1}::integer) n) a`
  const [row] =
    await sql`select count(*)::integer as count from trust_chains where agent_id = ${agentAt(to - 1)}`
  if (row?.count !== 1) throw new Error(`${agentAt(to - 1)} was not stored`)
}
