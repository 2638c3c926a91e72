-- A document that is changed without a proof of its own, by a person in psql, is nobody's word.
create or replace function trust_authorities_unsign() returns trigger language plpgsql
set search_path from current
as $$
begin
  if new.document_proof is not distinct from old.document_proof
    and trust_authority_document(new.authority_data) is distinct from trust_authority_document(old.authority_data) then
    new.document_proof := null;
    new.self_signed := false;
  end if;
  return new;
end
$$;

create or replace trigger trust_authorities_3_unsign before update on trust_authorities
  for each row execute function trust_authorities_unsign();
