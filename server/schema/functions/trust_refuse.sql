-- Changes by hand that the history could not tell.

create or replace function trust_refuse_truncate() returns trigger language plpgsql
set search_path from current
as $$
begin
  raise exception '% cannot be truncated: delete its rows one by one, so that the history records it', tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create or replace trigger trust_chains_refuse_truncate before truncate on trust_chains
  for each statement execute function trust_refuse_truncate();
create or replace trigger trust_chain_revisions_refuse_truncate before truncate on trust_chain_revisions
  for each statement execute function trust_refuse_truncate();
create or replace trigger trust_authorities_refuse_truncate before truncate on trust_authorities
  for each statement execute function trust_refuse_truncate();
create or replace trigger trust_authority_revisions_refuse_truncate before truncate on trust_authority_revisions
  for each statement execute function trust_refuse_truncate();

create or replace function trust_refuse_new_id() returns trigger language plpgsql
set search_path from current
as $$
begin
  raise exception 'the id of a row in % cannot change', tg_table_name using errcode = 'restrict_violation';
end
$$;

create or replace trigger trust_chains_refuse_new_id before update on trust_chains
  for each row when (new.agent_id <> old.agent_id) execute function trust_refuse_new_id();
create or replace trigger trust_authorities_refuse_new_id before update on trust_authorities
  for each row when (new.authority_id <> old.authority_id) execute function trust_refuse_new_id();

create or replace function trust_refuse_unrevoke() returns trigger language plpgsql
set search_path from current
as $$
begin
  raise exception 'revocations are kept: set lifted_at to lift a suspension; nothing undoes the others'
    using errcode = 'restrict_violation';
end
$$;

create or replace trigger trust_revocations_refuse_unrevoke before delete or truncate on trust_revocations
  for each statement execute function trust_refuse_unrevoke();
