-- The first agent above a chain that is revoked; null where none is. `depends` is that of trust_chains_write.
create or replace function trust_revoked_delegator(depends jsonb, at timestamptz) returns text language sql stable
set search_path from current
as $$
  select agent_id from jsonb_object_keys(depends -> 'chains') as d (agent_id)
  where trust_agent_revoked(agent_id, at)
  order by agent_id limit 1
$$;
