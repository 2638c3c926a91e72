-- The delegators of a level of a cascade, each once with the names of all its records there.
create or replace function trust_cascade_level(agents text[], names jsonb[]) returns table (agent_id text, names jsonb)
language sql immutable
set search_path from current
as $$
  select u.agent_id, jsonb_agg(distinct name) filter (where name is not null)
  from unnest(agents, names) as u (agent_id, names)
  left join lateral jsonb_array_elements_text(u.names) name on true
  group by u.agent_id
$$;
