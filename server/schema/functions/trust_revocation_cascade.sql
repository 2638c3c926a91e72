-- All that is revoked with an agent, delegation or capability: whatever was delegated on from it, however far down. The rule is in
-- trust_revoked_records.
--
-- Goes down one level of delegatees at a time. Each record appears once, as a descendant of a delegator in the level that reaches it
-- first, however many paths lead to it. Nothing is returned for a cascade with more than `most` descendants, or one that takes the
-- reading of ten times as many chains, or of 16 KiB for each: trust_cascade_step writes such a one. Null: no limit.
create or replace function trust_revocation_cascade(root_kind text, root_agent text, root_record text, most integer)
returns table (agent_id text, record_id text, names jsonb, descends_from text)
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
  -- The level that is looked below: it begins here and ends with the arrays.
  level integer := 1;
  children refcursor;
  child record;
  chains bigint := 0;
  bytes bigint := 0;
  next_agents text[];
  next_records text[];
  next_names jsonb[];
  next_delegators text[];
begin
  while level <= cardinality(agents) loop
    next_agents := '{}'; next_records := '{}'; next_names := '{}'; next_delegators := '{}';
    open children for
      select c.agent_id, c.chain_bytes, r.record_id, r.record_names, l.agent_id as delegator
      from trust_cascade_level(agents[level:], names[level:]) l
      -- Its offset makes the planner look up each delegator in the index. As a plain join it compares, from some 12,000 of them on,
      -- all chains with all delegators.
      cross join lateral (
        select c.agent_id, c.chain_data, c.chain_bytes from trust_chains c
        where jsonb_path_query_array(c.chain_data, '$.delegations[*].delegator_id') ? l.agent_id offset 0
      ) c
      left join lateral trust_revoked_records(root_kind, c.chain_data, l.agent_id, l.names) r on true;
    loop
      fetch children into child;
      exit when not found;
      chains := chains + 1;
      bytes := bytes + child.chain_bytes;
      if chains > most::bigint * 10 or bytes > most::bigint * 16384 then return; end if;
      if child.record_id is not null then
        next_agents := next_agents || child.agent_id; next_records := next_records || child.record_id;
        next_names := next_names || child.record_names; next_delegators := next_delegators || child.delegator;
      end if;
    end loop;
    close children;
    level := cardinality(agents) + 1;
    select agents || coalesce(array_agg(n.agent), '{}'), records || coalesce(array_agg(n.record), '{}'),
           names || coalesce(array_agg(n.given), '{}'), delegators || coalesce(array_agg(n.delegator), '{}')
    into agents, records, names, delegators
    from (
      select distinct on (f.agent, f.record) f.*
      from unnest(next_agents, next_records, next_names, next_delegators) as f (agent, record, given, delegator)
      where (f.agent, f.record) not in (select * from unnest(agents, records))
      order by f.agent, f.record, f.delegator
    ) n;
    if cardinality(agents) - 1 > most then return; end if;
  end loop;
  return query select * from unnest(agents, records, names, delegators);
end
$$;
