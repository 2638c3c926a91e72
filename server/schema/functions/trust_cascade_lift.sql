-- Lifts the next portion of a suspension. Answers how many records; null where none is left. The caller holds the lock of writers.
create or replace function trust_cascade_lift(cascade trust_cascades, most integer) returns bigint language plpgsql volatile
set search_path from current
-- As in trust_chains_standing.
set enable_seqscan = off
as $$
declare
  revisions bigint[] := array(
    select r.revision from trust_revocations r
    where r.revocation_id = cascade.revocation_id and r.mode = 'suspend' and r.lifted_at is null limit most);
begin
  if cardinality(revisions) = 0 then return null; end if;
  update trust_revocations r
  set lifted_at = now(), lifted_by = cascade.lifted_by,
      -- As in trust_cascade_revoke.
      request_id = case when (
        select true from trust_chain_revisions h where h.agent_id = r.agent_id and h.request_id = cascade.lift_request limit 1
      ) then gen_random_uuid() else cascade.lift_request end
  where r.revision = any (revisions);
  return cardinality(revisions);
end
$$;
