-- Lifts a suspension: what it suspended is in force again, unless something else revokes it. What a person already lifted of it
-- stays lifted, and the rest is lifted. Answers as trust_revocations_write does, with the outcomes lifted, unchanged (it was
-- lifted before), reused, not_found and not_suspension. Of more than `most` records, or while records are still being added, it lifts
-- the one that the revocation named, and leaves the others to trust_cascade_step.
create or replace function trust_revocations_lift(
  revocation uuid, request uuid, actor text, not_after timestamptz, most integer)
returns setof trust_revocation_written language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
-- As in trust_revocation_cascade.
set enable_seqscan = off
as $$
declare
  suspends boolean;
  large boolean;
  outcome text;
begin
  perform trust_lock(not_after);
  suspends := (select bool_and(r.mode = 'suspend') from trust_revocations r where r.revocation_id = revocation);
  large := exists (select from trust_cascades c where c.revocation_id = revocation) or exists (
    select from trust_revocations r
    where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null offset most + 1);
  outcome := case
    when suspends is null then 'not_found'
    when not suspends then 'not_suspension'
    when not exists (
      select from trust_revocations r where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null)
      or exists (select from trust_cascades c where c.revocation_id = revocation and c.lift_request is not null)
      then 'unchanged'
    when exists (
      select from trust_revocations r join trust_chain_revisions h on h.agent_id = r.agent_id and h.request_id = request
      where r.revocation_id = revocation and (not large or r.descends_from is null)) then 'reused'
    else 'lifted'
  end;
  if outcome = 'lifted' then
    if large then
      insert into trust_cascades (revocation_id, kind, agent_id, record_id, lift_request, lifted_by)
      select revocation, r.kind, r.agent_id, r.record_id, request, actor
      from trust_revocations r where r.revocation_id = revocation and r.descends_from is null limit 1
      on conflict (revocation_id) do update set lift_request = request, lifted_by = actor;
    end if;
    update trust_revocations r set lifted_at = now(), lifted_by = actor, request_id = request
    where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null
      and (not large or r.descends_from is null);
  end if;
  return query
  select * from trust_revocations_answer(outcome, case when outcome in ('lifted', 'unchanged') then revocation end);
end
$$;
