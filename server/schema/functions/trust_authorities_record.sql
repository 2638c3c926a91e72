-- Record changes of authorities in the history.

create or replace function trust_authorities_record_registered() returns trigger language plpgsql
set search_path from current
as $$
begin
  insert into trust_authority_revisions
  select revision, authority_id, 'registered', authority_data, is_active, created_at, updated_at, updated_by,
         request_id, request_hash, document_proof, self_signed, true
  from new_rows;
  return null;
end
$$;

create or replace function trust_authorities_record_updated() returns trigger language plpgsql
set search_path from current
as $$
begin
  insert into trust_authority_revisions
  select n.revision, n.authority_id,
         case
           when n.is_active < o.is_active then 'deactivated'
           when n.is_active > o.is_active then 'reactivated'
           when n.authority_data -> 'keys' is distinct from o.authority_data -> 'keys' then 'keys_changed'
           else 'updated'
         end,
         n.authority_data, n.is_active, n.created_at, n.updated_at, n.updated_by, n.request_id, n.request_hash,
         n.document_proof, n.self_signed,
         n.document_proof is distinct from o.document_proof
           or trust_authority_document(n.authority_data) is distinct from trust_authority_document(o.authority_data)
  from new_rows n join old_rows o using (authority_id);
  return null;
end
$$;

-- No RPC deletes an authority; a person can. As with chains, the documents of the history go too.
create or replace function trust_authorities_record_purged() returns trigger language plpgsql
set search_path from current
as $$
begin
  update trust_authority_revisions set authority_data = null
  where authority_id in (select authority_id from old_rows) and authority_data is not null;
  insert into trust_authority_revisions
  select nextval('trust_revision'), authority_id, 'purged', null, false, created_at, clock_timestamp(),
         'postgres:' || session_user, gen_random_uuid(), '', null, false, false
  from old_rows;
  return null;
end
$$;

create or replace trigger trust_authorities_5_record_registered after insert on trust_authorities
  referencing new table as new_rows for each statement execute function trust_authorities_record_registered();
create or replace trigger trust_authorities_5_record_updated after update on trust_authorities
  referencing old table as old_rows new table as new_rows
  for each statement execute function trust_authorities_record_updated();
create or replace trigger trust_authorities_5_record_purged after delete on trust_authorities
  referencing old table as old_rows for each statement execute function trust_authorities_record_purged();
