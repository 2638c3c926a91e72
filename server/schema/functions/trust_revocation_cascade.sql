-- All that is revoked with an agent, delegation or capability: whatever was delegated on from it, however far down.
--   of an agent      every agent that it delegated to
--   of a delegation  every delegation by which its delegatee delegated on a capability that it covers
--   of a capability  every capability of a delegatee that was delegated by a name that it covers
-- Goes down one level of delegatees at a time. Each record appears once, as a descendant of a delegator in the level that
-- reaches it first, however many paths lead to it.
create or replace function trust_revocation_cascade(root_kind text, root_agent text, root_record text)
returns table (kind text, agent_id text, record_id text, descends_from text)
language plpgsql stable
set search_path from current
-- The planner expects a few agents and a small table: it would read all of it for each of thousands. The index of delegators gives
-- bitmaps, so nothing is left but that.
set enable_seqscan = off
set enable_indexscan = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  agents text[] := array[root_agent];
  records text[] := array[root_record];
  names jsonb[] := array[to_jsonb(trust_record_names(root_kind, root_agent, root_record))];
  delegators text[] := array[null];
  seen_agents text[] := '{}';
  seen_records text[] := '{}';
begin
  while cardinality(agents) > 0 loop
    return query
      select root_kind, l.agent_id, l.record_id, l.delegator
      from unnest(agents, records, delegators) as l (agent_id, record_id, delegator);
    seen_agents := seen_agents || agents;
    seen_records := seen_records || records;
    select array_agg(n.agent_id), array_agg(n.record_id), array_agg(n.names), array_agg(n.delegator)
    into agents, records, names, delegators
    from (
      select distinct on (b.agent_id, record.id) b.agent_id, record.id as record_id, record.names, l.agent_id as delegator
      from (
        select u.agent_id, array_agg(distinct name) as names
        from unnest(agents, names) as u (agent_id, names) left join lateral jsonb_array_elements_text(u.names) name on true
        group by u.agent_id
      ) l
      -- Its offset makes the planner look up each delegator in the index. As a plain join it compares, from some 12,000 of them on,
      -- all chains with all delegators.
      cross join lateral (
        select c.agent_id, c.chain_data from trust_chains c
        where jsonb_path_query_array(c.chain_data, '$.delegations[*].delegator_id') ? l.agent_id offset 0
      ) b
      join lateral jsonb_path_query(b.chain_data, '$.delegations[*]') delegation on delegation ->> 'delegator_id' = l.agent_id
      cross join lateral (
        select '' as id, null::jsonb as names where root_kind = 'agent'
        union all
        select delegation ->> 'id', to_jsonb(trust_delegated_names(delegation))
        where root_kind = 'delegation' and delegation ->> 'id' <> ''
          and trust_names_cover(l.names, trust_delegated_names(delegation))
        union all
        select c ->> 'id', jsonb_build_array(c -> 'capability')
        from jsonb_path_query(b.chain_data, '$.capabilities[*]') c
        where root_kind = 'capability' and c ->> 'id' <> '' and c ->> 'capability' = any (trust_delegated_names(delegation))
          and trust_names_cover(l.names, array[c ->> 'capability'])
      ) record
      where (b.agent_id, record.id) not in (select * from unnest(seen_agents, seen_records))
      order by b.agent_id, record.id, l.agent_id
    ) n;
  end loop;
end
$$;
