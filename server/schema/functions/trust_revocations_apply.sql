-- Touches the chains and authorities of new or lifted revocations: their own triggers work out their state, and the change is
-- in their history.
create or replace function trust_revocations_apply() returns trigger language plpgsql
set search_path from current
-- As in trust_chains_standing.
set enable_seqscan = off
-- trust_cascade_step has its own statements planned each time. The triggers of each chain would be, too: two thirds of its time.
set plan_cache_mode = auto
as $$
begin
  update trust_chains c
  set status = case when n.lifts and c.status = 'suspended' then 'active' else c.status end,
      request_id = n.request_id, updated_by = n.actor
  from (
    select agent_id, bool_or(kind = 'agent' and lifted_at is not null) as lifts, min(request_id::text)::uuid as request_id,
           min(coalesce(lifted_by, revoked_by)) as actor
    from new_rows where agent_id is not null group by agent_id
  ) n
  where c.agent_id = n.agent_id;
  update trust_authorities a
  set request_id = n.request_id, request_hash = n.request_hash, updated_by = n.actor
  from (
    select distinct on (authority_id) authority_id, request_id, request_hash, revoked_by as actor
    from new_rows where authority_id is not null order by authority_id, revision
  ) n
  where a.authority_id = n.authority_id;
  return null;
end
$$;

create or replace trigger trust_revocations_3_apply_made after insert on trust_revocations
  referencing new table as new_rows for each statement execute function trust_revocations_apply();
create or replace trigger trust_revocations_3_apply_lifted after update on trust_revocations
  referencing new table as new_rows for each statement execute function trust_revocations_apply();
