-- Finds what descends from the next written records of a cascade, and drops those: all that is left of them to do is done. Answers
-- how many records it found; null where no written record is left to look below.
create or replace function trust_cascade_find(cascade trust_cascades, most integer) returns bigint language plpgsql volatile
set search_path from current
-- As in trust_revocation_cascade.
set enable_seqscan = off
set enable_indexscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
  revocation uuid := cascade.revocation_id;
  places bigint[];
  agents text[];
  names jsonb[];
  found_records bigint;
begin
  select array_agg(r.place), array_agg(r.agent_id), array_agg(r.names) into places, agents, names
  from (
    select * from trust_cascade_records r where r.revocation_id = revocation and r.written order by r.place limit most) r;
  if places is null then return null; end if;
  insert into trust_cascade_records (revocation_id, agent_id, record_id, names, descends_from)
  select revocation, n.agent_id, n.record_id, n.record_names, n.delegator
  from (
    select distinct on (c.agent_id, r.record_id) c.agent_id, r.record_id, r.record_names, l.agent_id as delegator
    from trust_cascade_level(agents, names) l
    -- As in trust_revocation_cascade.
    cross join lateral (
      select c.agent_id, c.chain_data from trust_chains c
      where jsonb_path_query_array(c.chain_data, '$.delegations[*].delegator_id') ? l.agent_id
        -- A later document was settled when it was written, and what is new in it does not descend.
        and (cascade.kind = 'agent' or coalesce(c.document_revision, c.revision) < cascade.since)
      offset 0
    ) c
    cross join lateral trust_revoked_records(cascade.kind, c.chain_data, l.agent_id, l.names) r
    order by c.agent_id, r.record_id, l.agent_id
  ) n
  -- Not "not exists": the planner would hash all records, at each step.
  where (
    select true from trust_revocations r
    where r.revocation_id = revocation and r.kind = cascade.kind and r.agent_id = n.agent_id and r.record_id = n.record_id
    limit 1) is null
    and (
      select true from trust_cascade_records r
      where r.revocation_id = revocation and r.agent_id = n.agent_id and r.record_id = n.record_id
      limit 1) is null
  order by n.agent_id, n.record_id;
  get diagnostics found_records = row_count;
  delete from trust_cascade_records where place = any (places);
  return found_records;
end
$$;
