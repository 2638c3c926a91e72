-- The document of an authority without the marks of its keys, which are the registry's.
create or replace function trust_authority_document(authority_data jsonb) returns jsonb language sql immutable
set search_path from current
as $$
  select case when jsonb_typeof(authority_data -> 'keys') = 'array' then
    jsonb_set(authority_data, '{keys}', coalesce((
      select jsonb_agg(k.key - 'revoked_at' - 'compromised_at' order by k.place)
      from jsonb_array_elements(authority_data -> 'keys') with ordinality as k (key, place)), '[]'))
  else authority_data end
$$;
