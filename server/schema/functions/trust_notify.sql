-- Wakes the change feeds of all servers. The notification carries nothing: they read what is new.
create or replace function trust_notify() returns trigger language plpgsql
set search_path from current
as $$
begin
  perform pg_notify('trust_revisions', '');
  return null;
end
$$;

create or replace trigger trust_chain_revisions_notify after insert on trust_chain_revisions
  for each statement execute function trust_notify();
create or replace trigger trust_authority_revisions_notify after insert on trust_authority_revisions
  for each statement execute function trust_notify();
create or replace trigger trust_revocations_notify after insert or update on trust_revocations
  for each statement execute function trust_notify();
