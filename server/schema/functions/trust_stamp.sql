-- Stamps a changed row with the next revision, the time, and who changed it. A writer that sets no request_id of its own is a
-- person or another program.
create or replace function trust_stamp() returns trigger language plpgsql
set search_path from current
as $$
begin
  new.updated_at := clock_timestamp();
  if tg_op = 'INSERT' then
    new.created_at := new.updated_at;
    if new.updated_by = '' then
      new.updated_by := 'postgres:' || session_user;
    end if;
  else
    new.created_at := old.created_at;
    if new.request_id = old.request_id then
      new.request_id := gen_random_uuid();
      new.updated_by := 'postgres:' || session_user;
    end if;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

create or replace trigger trust_chains_2_stamp before insert or update on trust_chains
  for each row execute function trust_stamp();
create or replace trigger trust_authorities_2_stamp before insert or update on trust_authorities
  for each row execute function trust_stamp();
