-- The capability names that a delegation or capability gives its agent; null where the chain has no such record.
create or replace function trust_record_names(kind text, agent text, record text) returns text[] language sql stable
set search_path from current
as $$
  select case kind
    when 'delegation' then (
      select trust_delegated_names(d) from jsonb_path_query(c.chain_data, '$.delegations[*]') d
      where d ->> 'id' = record limit 1)
    when 'capability' then (
      select array[p ->> 'capability'] from jsonb_path_query(c.chain_data, '$.capabilities[*]') p
      where p ->> 'id' = record limit 1)
  end
  from trust_chains c where c.agent_id = agent
$$;
