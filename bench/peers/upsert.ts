import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { toBinary } from "@bufbuild/protobuf"
import { chainHash, contentHash, contentJson } from "@trust-registry/eatp"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import type { BenchDatabase, Lab } from "../lab.js"
import { AUTHORITY } from "../load/chains.js"
import { pgbench } from "../load/pgbench.js"

/** A plain upsert into the same table, for a random one of `agents`. */
const SCRIPT = `\\set n random(0, :agents - 1)
insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash, updated_by)
values ('agent-' || lpad(:n::text, 7, '0'), nextval('trust_revision'), :authority, :document::jsonb, :bytes, :chain_hash,
  :content_hash, 'pgbench')
on conflict (agent_id) do update
set revision = excluded.revision, authority_id = excluded.authority_id, chain_data = excluded.chain_data,
  chain_bytes = excluded.chain_bytes, chain_hash = excluded.chain_hash, content_hash = excluded.content_hash,
  updated_at = clock_timestamp(), updated_by = excluded.updated_by
`

/** Turns off the triggers of a database with our schema, and thereby its history. */
export async function turnOffTriggers(database: BenchDatabase): Promise<void> {
  await database.withSql(async (sql) => {
    await sql`alter table trust_chains disable trigger user`
  })
}

/** Upserts by pgbench, one per transaction; returns the upserts per second. */
export async function upserts(
  lab: Lab,
  database: BenchDatabase,
  chain: TrustLineageChain,
  agents: number,
): Promise<(clients: number) => Promise<number>> {
  const script = join(lab.folder, "upsert.sql")
  await writeFile(script, SCRIPT)
  const variables = {
    agents,
    authority: AUTHORITY,
    document: JSON.stringify(contentJson(chain)),
    bytes: toBinary(TrustLineageChainSchema, chain).length,
    chain_hash: chainHash(chain),
    content_hash: contentHash(chain),
  }
  const seconds = lab.times.warmSeconds + lab.times.seconds
  return (clients) => pgbench({ database, script, clients, seconds, variables })
}
