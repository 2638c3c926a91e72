-- A capability that a new document of a chain keeps although it drops the delegation that gave it: "DELEGATION CAPABILITY", the two ids
-- each as JSON. Null: there is none. What the chain's own authority had attested before the delegation is its own.
--
-- Objects serve as sets: a chain has a thousand of each, and a chain may be written while others wait.
create or replace function trust_kept_capability(before jsonb, after jsonb) returns text language plpgsql immutable
set search_path from current
as $$
declare
  kept jsonb := (
    select jsonb_object_agg(d ->> 'id', true) from jsonb_path_query(after, '$.delegations[*] ? (exists (@.id))') d);
  -- By capability name: the first of the dropped delegations that give it.
  given jsonb := (
    select jsonb_object_agg(name, d order by d ->> 'delegated_at' collate "C" desc)
    from jsonb_path_query(before, '$.delegations[*] ? (exists (@.id))') d
    cross join lateral unnest(trust_delegated_names(d)) name
    where kept is null or not kept ? (d ->> 'id'));
  listed jsonb;
  owned jsonb;
begin
  if given is null then return null; end if;
  listed := (
    select coalesce(jsonb_object_agg(name, true), '{}')
    from jsonb_path_query(after, '$.delegations[*]') d cross join lateral unnest(trust_delegated_names(d)) name);
  owned := (
    select coalesce(jsonb_object_agg(c ->> 'id', true), '{}')
    from jsonb_path_query(before, '$.capabilities[*] ? (exists (@.id))') c);
  return (
    select (given -> (c ->> 'capability') -> 'id')::text || ' ' || (c -> 'id')::text
    from jsonb_path_query(after, '$.capabilities[*] ? (exists (@.id))') c
    where given ? (c ->> 'capability') and not listed ? (c ->> 'capability') and owned ? (c ->> 'id')
      and not (
        coalesce(nullif(c ->> 'attester_id', ''), before #>> '{genesis,authority_id}') = before #>> '{genesis,authority_id}'
        and (c ->> 'attested_at') collate "C" < (given -> (c ->> 'capability') ->> 'delegated_at') collate "C")
    limit 1);
end
$$;
