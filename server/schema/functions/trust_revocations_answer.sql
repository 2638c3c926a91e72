-- A row per record of a revocation, the one that the request named first, and at most one more than a response can have; one empty
-- row where `revocation` is null. `head` is the newest revision of what was done: a read at that revision sees all of it.
create or replace function trust_revocations_answer(outcome text, revocation uuid) returns setof trust_revocation_written
language sql stable
set search_path from current
as $$
  with records as (
    select r.*, count(*) over () as total, row_number() over (order by r.revision desc) as age
    from trust_revocations r where r.revocation_id = revocation
  ), newest as materialized (
    -- Once, whatever number of records the planner expects.
    select greatest(
      max(r.revision),
      max((select h.revision from trust_chain_revisions h
        where h.agent_id = r.agent_id and h.request_id = r.request_id)),
      max((select h.revision from trust_authority_revisions h
        where h.authority_id = r.authority_id and h.request_id = r.request_id))) as head
    from records r where r.age <= 2000
  )
  select outcome, n.head, r.revision, r.revocation_id, r.kind, r.agent_id, r.authority_id, r.record_id, r.mode, r.descends_from,
    r.effective_at, r.compromised_at, r.reason, r.revoked_at, r.revoked_by, r.lifted_at, r.lifted_by, r.total,
    (select trust_cascade_waiting(revocation))
  from (select) one left join records r on true left join newest n on true
  order by r.descends_from is not null, r.agent_id, r.record_id limit 10001
$$;
