// The limit for an import: multi-row upserts by postgres.js into the registry's own tables, with triggers and history, in
// sequential statements of a thousand rows. `multiUpsert.ts CONNECTION (JSON) ROWS` prints rows per second.
import { toBinary } from "@bufbuild/protobuf"
import { chainHash, contentHash, contentText } from "@trust-registry/eatp"
import { TrustLineageChainSchema } from "@trust-registry/proto"
import postgres from "postgres"
import { AUTHORITY, agentAt, usualChain } from "../load/chains.js"

const [connection = "", count = ""] = process.argv.slice(2)
const sql = postgres({ ...(JSON.parse(connection) as object), max: 1 })
const rows = Number(count)
const BATCH = 1_000
const TEXTS = 1009

const chain = await usualChain(agentAt(0))
const document = contentText(chain)
const agents = Array.from({ length: rows }, (_, index) => agentAt(index))
const documents = agents.map((agent) => document.replaceAll(agentAt(0), agent))
const bytes = toBinary(TrustLineageChainSchema, chain).length

const began = performance.now()
for (let from = 0; from < rows; from += BATCH)
  await upsert(agents.slice(from, from + BATCH), documents.slice(from, from + BATCH))
const seconds = (performance.now() - began) / 1000
process.stdout.write(JSON.stringify({ perSecond: rows / seconds }))
await sql.end()

async function upsert(agentIds: string[], texts: string[]) {
  await sql`
    insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash, updated_by)
    select agent_id, 0, ${AUTHORITY}, text::jsonb, ${bytes}::integer, ${chainHash(chain)}, ${contentHash(chain)}, 'bench'
    from unnest(${sql.array(agentIds, TEXTS)}::text[], ${sql.array(texts, TEXTS)}::text[]) as a (agent_id, text)
    on conflict (agent_id) do update
    set authority_id = excluded.authority_id, chain_data = excluded.chain_data, chain_bytes = excluded.chain_bytes,
      chain_hash = excluded.chain_hash, content_hash = excluded.content_hash`
}
