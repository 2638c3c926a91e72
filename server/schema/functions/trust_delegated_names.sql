-- The capability names of a delegation; none where the document has another form, which must not keep others from being revoked.
create or replace function trust_delegated_names(delegation jsonb) returns text[] language sql immutable
return array(select n #>> '{}' from jsonb_path_query(delegation, '$.capabilities_delegated[*]') n);
