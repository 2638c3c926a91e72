-- The records of a chain that descend from a delegator whose records with these names are revoked:
--   of an agent      the chain as a whole
--   of a delegation  each delegation by the delegator of a capability that they cover
--   of a capability  each capability that the delegator delegated by a name that they cover
-- Without search_path, so that it becomes a part of the queries that use it.
create or replace function trust_revoked_records(root_kind text, chain_data jsonb, delegator text, names jsonb)
returns table (record_id text, record_names jsonb) language sql stable
begin atomic
  select '', null::jsonb where root_kind = 'agent'
  union all
  select delegation ->> 'id', to_jsonb(trust_delegated_names(delegation))
  from jsonb_path_query(chain_data, '$.delegations[*]') delegation
  where root_kind = 'delegation' and delegation ->> 'delegator_id' = delegator and delegation ->> 'id' <> ''
    and trust_names_cover(array(select jsonb_array_elements_text(names)), trust_delegated_names(delegation))
  union all
  select c ->> 'id', jsonb_build_array(c -> 'capability')
  from jsonb_path_query(chain_data, '$.delegations[*]') delegation, jsonb_path_query(chain_data, '$.capabilities[*]') c
  where root_kind = 'capability' and delegation ->> 'delegator_id' = delegator and c ->> 'id' <> ''
    and c ->> 'capability' = any (trust_delegated_names(delegation))
    and trust_names_cover(array(select jsonb_array_elements_text(names)), array[c ->> 'capability']);
end;
