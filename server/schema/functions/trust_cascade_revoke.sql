-- Revokes records that were found of a cascade, except those that are revoked by it already. Answers how many.
create or replace function trust_cascade_revoke(cascade trust_cascades, places bigint[]) returns bigint language plpgsql volatile
set search_path from current
-- As in trust_chains_standing.
set enable_seqscan = off
-- As in trust_revocation_cascade: planned once for all, it would read the whole revocation for each portion.
set plan_cache_mode = force_custom_plan
as $$
declare
  revocation uuid := cascade.revocation_id;
  root trust_revocations;
  revoked bigint;
begin
  select * into root from trust_revocations r
  where r.revocation_id = revocation and r.kind = cascade.kind and r.agent_id = cascade.agent_id and r.record_id = cascade.record_id;
  delete from trust_cascade_records found
  using trust_revocations r
  where found.place = any (places)
    and r.revocation_id = revocation and r.kind = cascade.kind and r.agent_id = found.agent_id and r.record_id = found.record_id;
  insert into trust_revocations (revision, revocation_id, kind, agent_id, record_id, names, mode, descends_from, effective_at,
    reason, revoked_by, request_id, request_hash)
  select 0, revocation, root.kind, found.agent_id, found.record_id, found.names, root.mode, found.descends_from, root.effective_at,
         root.reason, root.revoked_by,
         -- A request_id that changed the chain before would be in its history twice.
         case when (
           select true from trust_chain_revisions h where h.agent_id = found.agent_id and h.request_id = revocation limit 1
         ) then gen_random_uuid() else revocation end,
         root.request_hash
  from trust_cascade_records found
  where found.place = any (places)
  order by found.place;
  get diagnostics revoked = row_count;
  update trust_cascade_records set written = true where place = any (places);
  return revoked;
end
$$;
