-- Every writer takes this lock first and holds it to its commit, so that the order of revisions is the order of commits and
-- "everything after revision N" never misses a late one. A bare sequence commits out of order.
--
-- Refuses a write that gets here after `not_after`, by the clock of the database: a network that was down may deliver it long
-- after its caller was told that it failed, when it would undo what is newer.
create or replace function trust_lock(not_after timestamptz default null) returns void language plpgsql
set search_path from current
as $$
begin
  perform pg_advisory_xact_lock(7166746355081732685);
  if clock_timestamp() > not_after then
    raise exception 'the write came too late: its caller was already told that it failed'
      using errcode = 'lock_not_available';
  end if;
end
$$;

create or replace function trust_lock_statement() returns trigger language plpgsql
set search_path from current
as $$
begin
  perform trust_lock();
  return null;
end
$$;

create or replace trigger trust_chains_1_lock before insert or update or delete on trust_chains
  for each statement execute function trust_lock_statement();
create or replace trigger trust_authorities_1_lock before insert or update or delete on trust_authorities
  for each statement execute function trust_lock_statement();
create or replace trigger trust_revocations_1_lock before insert or update on trust_revocations
  for each statement execute function trust_lock_statement();
