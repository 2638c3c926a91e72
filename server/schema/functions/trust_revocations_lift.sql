-- Lifts a suspension: what it suspended is in force again, unless something else revokes it. What a person already lifted of it
-- stays lifted, and the rest is lifted. Answers as trust_revocations_write does, with the outcomes lifted, unchanged (it was
-- lifted before), reused, not_found and not_suspension.
create or replace function trust_revocations_lift(revocation uuid, request uuid, actor text, not_after timestamptz)
returns setof trust_revocation_written language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
-- As in trust_revocation_cascade.
set enable_seqscan = off
as $$
declare
  found_any boolean;
  suspends boolean;
  stands boolean;
  outcome text;
begin
  perform trust_lock(not_after);
  select count(*) > 0, bool_or(r.mode = 'suspend'), bool_or(r.mode = 'suspend' and r.lifted_at is null)
  into found_any, suspends, stands
  from trust_revocations r where r.revocation_id = revocation;
  outcome := case
    when not found_any then 'not_found'
    when not suspends then 'not_suspension'
    when not stands then 'unchanged'
    when exists (
      select from trust_revocations r join trust_chain_revisions h on h.agent_id = r.agent_id and h.request_id = request
      where r.revocation_id = revocation) then 'reused'
    else 'lifted'
  end;
  if outcome = 'lifted' then
    update trust_revocations r set lifted_at = now(), lifted_by = actor, request_id = request
    where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null;
  end if;
  return query
  select * from trust_revocations_answer(outcome, case when outcome in ('lifted', 'unchanged') then revocation end);
end
$$;
