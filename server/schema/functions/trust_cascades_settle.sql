-- Before these agents' chains are written: revokes what of them descends in a cascade in progress, which would not find it any more
-- if a chain is purged or delegated to by others. The caller holds the lock of writers.
create or replace function trust_cascades_settle(agents text[]) returns void language plpgsql volatile
set search_path from current
as $$
#variable_conflict use_column
declare
  above text[];
  cascade trust_cascades;
  places bigint[];
begin
  above := array(
    with recursive up (agent_id) as (
      select unnest(agents)
      union
      select d #>> '{}' from up join trust_chains c using (agent_id),
        jsonb_path_query(c.chain_data, '$.delegations[*].delegator_id') d
    )
    select up.agent_id from up where up.agent_id is not null);
  for cascade in select * from trust_cascades c where c.lift_request is null order by c.place loop
    loop
      with revoked as (
        select r.agent_id, jsonb_agg(distinct name) filter (where name is not null) as names
        from unnest(above) a (agent_id)
        join trust_revocations r on r.agent_id = a.agent_id and r.revocation_id = cascade.revocation_id
        left join lateral jsonb_array_elements_text(r.names) name on true
        group by r.agent_id
      ), found as (
        insert into trust_cascade_records (revocation_id, agent_id, record_id, names, descends_from)
        select distinct on (c.agent_id, r.record_id) cascade.revocation_id, c.agent_id, r.record_id, r.record_names, revoked.agent_id
        from unnest(above) a (agent_id)
        join trust_chains c on c.agent_id = a.agent_id
        cross join lateral (
          select distinct d #>> '{}' as delegator from jsonb_path_query(c.chain_data, '$.delegations[*].delegator_id') d) d
        join revoked on revoked.agent_id = d.delegator
        cross join lateral trust_revoked_records(cascade.kind, c.chain_data, d.delegator, revoked.names) r
        -- As in trust_cascade_find.
        where (cascade.kind = 'agent' or coalesce(c.document_revision, c.revision) < cascade.since)
          and not exists (
            select from trust_revocations known
            where known.revocation_id = cascade.revocation_id and known.kind = cascade.kind and known.agent_id = c.agent_id
              and known.record_id = r.record_id)
        order by c.agent_id, r.record_id, revoked.agent_id
        returning place
      )
      select array_agg(place) into places from found;
      exit when places is null;
      perform trust_cascade_revoke(cascade, places);
    end loop;
  end loop;
end
$$;
