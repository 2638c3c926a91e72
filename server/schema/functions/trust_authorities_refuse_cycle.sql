-- Refuses a change that puts an authority above itself. After the statement, so that it sees all rows that changed together.
create or replace function trust_authorities_refuse_cycle() returns trigger language plpgsql
set search_path from current
as $$
begin
  if exists (select from new_rows n where trust_authority_is_above(n.authority_id, n.parent_authority_id)) then
    raise exception 'an authority cannot be above itself' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create or replace trigger trust_authorities_4_cycle_inserted after insert on trust_authorities
  referencing new table as new_rows for each statement execute function trust_authorities_refuse_cycle();
create or replace trigger trust_authorities_4_cycle_updated after update on trust_authorities
  referencing new table as new_rows for each statement execute function trust_authorities_refuse_cycle();
