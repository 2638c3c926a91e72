import type { Sql } from "../database/sql.js"

/** The signatures of an agent's chain that a stored revision had which was VERIFIED, as far as history is kept. */
export async function readVouched(sql: Sql, agentId: string): Promise<Set<string>> {
  const rows = await sql<{ signature: string }[]>`
    select distinct s.signature #>> '{}' as signature
    from trust_chain_revisions h,
      unnest(array['$.**.signature', '$.**.reasoning_signature', '$.chain_state_signature']::jsonpath[]) path,
      jsonb_path_query(h.chain_data, path) s (signature)
    where h.agent_id = ${agentId} and h.chain_data is not null and h.signature_status = 'verified'`
  return new Set(rows.map(({ signature }) => signature))
}

/** When each signature in an agent's chain was first stored, in microseconds since 1970, as far as history is kept. */
export async function readFirstStored(sql: Sql, agentId: string): Promise<Map<string, bigint>> {
  const rows = await sql<{ signature: string; first: bigint }[]>`
    select s.signature #>> '{}' as signature, min(h.updated_at) as first
    from trust_chain_revisions h,
      unnest(array['$.**.signature', '$.**.reasoning_signature', '$.chain_state_signature']::jsonpath[]) path,
      jsonb_path_query(h.chain_data, path) s (signature)
    where h.agent_id = ${agentId} and h.chain_data is not null
    group by 1`
  return new Map(rows.map(({ signature, first }) => [signature, first]))
}
