-- Writes the revocations of an authority's keys into its document. Whoever writes the authority, however: its revocations
-- decide, also when it was deleted by hand and registered again.
create or replace function trust_authorities_keys() returns trigger language plpgsql
set search_path from current
as $$
begin
  if jsonb_typeof(new.authority_data -> 'keys') = 'array'
    and exists (select from trust_revocations r where r.authority_id = new.authority_id) then
    new.authority_data := jsonb_set(new.authority_data, '{keys}',
      coalesce(trust_revoked_keys(new.authority_id, new.authority_data -> 'keys'), '[]'));
  end if;
  return new;
end
$$;

create or replace trigger trust_authorities_3_keys before insert or update on trust_authorities
  for each row execute function trust_authorities_keys();
