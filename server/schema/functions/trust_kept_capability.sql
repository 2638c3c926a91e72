-- A capability that a new document of a chain keeps although it drops the delegation that gave it: "DELEGATION CAPABILITY", the two ids
-- each as JSON. Null: there is none. What the chain's own authority had attested before the delegation is its own.
create or replace function trust_kept_capability(before jsonb, after jsonb) returns text language sql immutable
set search_path from current
as $$
  select (d -> 'id')::text || ' ' || (c -> 'id')::text
  from jsonb_path_query(before, '$.delegations[*]') d
  join jsonb_path_query(after, '$.capabilities[*]') c on c ->> 'capability' = any (trust_delegated_names(d))
  where not exists (select from jsonb_path_query(after, '$.delegations[*]') kept where kept -> 'id' = d -> 'id')
    and exists (select from jsonb_path_query(before, '$.capabilities[*]') old where old -> 'id' = c -> 'id')
    and not exists (
      select from jsonb_path_query(after, '$.delegations[*]') other where c ->> 'capability' = any (trust_delegated_names(other)))
    and not (
      coalesce(nullif(c ->> 'attester_id', ''), before #>> '{genesis,authority_id}') = before #>> '{genesis,authority_id}'
      and (c ->> 'attested_at') collate "C" < (d ->> 'delegated_at') collate "C")
  limit 1
$$;
