-- Keeps which revision of a chain has its document: the one of the last write that set it, to the same or not.
create or replace function trust_chains_document() returns trigger language plpgsql
set search_path from current
as $$
begin
  new.document_revision := case tg_argv[0] when 'set' then new.revision else coalesce(old.document_revision, old.revision) end;
  return new;
end
$$;

create or replace trigger trust_chains_2a_document_kept before update on trust_chains
  for each row execute function trust_chains_document('kept');
create or replace trigger trust_chains_2b_document_set before insert or update of chain_data on trust_chains
  for each row execute function trust_chains_document('set');
