-- As before, and a write beside many revocations reads those of its own agents only: with 100,000 of them each batch took 30 ms
-- more, until the table was analyzed.
create or replace function trust_chains_updated() returns trigger language plpgsql
-- The plan is kept for the session, as that of trust_chains_assign: it would compare each new row with each old one. What a
-- statement changed has no index.
set enable_seqscan = off
set enable_nestloop = off
set enable_hashjoin = on
as $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id,
         case
           when n.status <> o.status then case n.status when 'active' then 'restored' else n.status end
           -- Not `exists`: for a batch the planner would hash all revocations, whatever enable_seqscan says.
           when (
             select true from trust_revocations r
             where r.agent_id = n.agent_id and r.request_id = n.request_id limit 1) then 'revocations_changed'
           else 'updated'
         end,
         n.authority_id,
         coalesce(
           (select c.chain_data from trust_chains c where c.agent_id = n.agent_id and c.revision = n.revision), n.chain_data),
         n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status, n.created_at, n.updated_at, n.expires_at,
         n.updated_by, n.request_id, n.revokes_at, n.revocations
  from new_rows n join old_rows o using (agent_id);
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;
