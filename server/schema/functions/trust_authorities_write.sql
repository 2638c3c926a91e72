-- All writes of authorities by the server go through this function. Checked in this order: replay, existence, expected revision,
-- parent.
--
-- `kind` is register, register_inactive, import, import_inactive (as the two before, of what another registry had: whatever its parent
-- may), update (of the document, with its keys) or deactivate; `not_after` is that of
-- trust_lock. `proof` is what was sent with the document, and `signed` whether every document up to it is signed. `earlier` is
-- null, or the documents before the one that is registered, the oldest first: [{"document", "proof", "signed"}]. A key that is
-- registered with a mark is revoked by a row of trust_revocations, like any other. Answers one row:
--   registered, updated, deactivated   done; the row is the new one
--   replayed                           was done before under this request_id; the row is that of then
--   unchanged                          nothing to do; the row is the current one
--   reused                             this request_id did something else before
--   exists, not_found, conflict        refused; the row is the current one, if there is one
--   parent_not_found, parent_cycle, parent_not_permitted    refused; the row is the current one, if there is one
create or replace function trust_authorities_write(
  kind text,
  id text,
  request uuid,
  hash text,
  actor text,
  expected bigint,
  document jsonb,
  proof jsonb,
  signed boolean,
  earlier jsonb,
  not_after timestamptz
) returns setof trust_authority_written language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
as $$
declare
  done trust_authority_revisions;
  present trust_authorities;
  parent text := document ->> 'parent_authority_id';
  outcome text;
  registers boolean := kind in ('register', 'register_inactive', 'import', 'import_inactive');
begin
  perform trust_lock(not_after);
  select * into done from trust_authority_revisions r where r.authority_id = id and r.request_id = request;
  select * into present from trust_authorities a where a.authority_id = id;

  outcome := case
    when done.revision is not null then case when done.request_hash = hash then 'replayed' else 'reused' end
    when registers and present.revision is not null then 'exists'
    when not registers and present.revision is null then 'not_found'
    when expected <> present.revision then 'conflict'
    when kind = 'deactivate' then case when present.is_active then 'deactivated' else 'unchanged' end
    when parent is not null and trust_authority_is_above(id, parent) then 'parent_cycle'
    when parent is not null and not exists (select from trust_authorities a where a.authority_id = parent)
      then 'parent_not_found'
    when parent is not null and kind not in ('import', 'import_inactive')
      and parent is distinct from present.authority_data ->> 'parent_authority_id'
      and not trust_authority_may(parent, 'AUTHORITY_PERMISSION_CREATE_SUBORDINATE_AUTHORITIES') then 'parent_not_permitted'
    -- The revocation of a marked key would be told under another one's id.
    when registers and document -> 'keys' @? '$[*].revoked_at'
      and exists (select from trust_revocations r where r.revocation_id = request) then 'reused'
    when registers then 'registered'
    else 'updated'
  end;

  if outcome = 'registered' then
    -- Before the authority, whose keys are then revoked from the first moment (trust_authorities_keys).
    insert into trust_revocations (revision, revocation_id, kind, authority_id, record_id, mode, compromised_at, reason,
      revoked_by, request_id, request_hash)
    select 0, request, 'key', id, k ->> 'key_id', 'immediate', (k ->> 'compromised_at')::timestamptz,
           'registered as revoked', actor, request, hash
    from jsonb_path_query(document, '$.keys[*] ? (exists (@.revoked_at))') k
    where not exists (
      select from trust_revocations r
      where r.authority_id = id and r.record_id = k ->> 'key_id'
        and r.compromised_at is not distinct from (k ->> 'compromised_at')::timestamptz);
    -- Into the history alone: a parent that an earlier document named need not be registered, and may be below it by now.
    insert into trust_authority_revisions
    select nextval('trust_revision'), id, 'registered',
           jsonb_set(e.word -> 'document', '{keys}', trust_revoked_keys(id, e.word -> 'document' -> 'keys')),
           kind in ('register', 'import'), clock_timestamp(), clock_timestamp(), actor, gen_random_uuid(), '',
           nullif(e.word -> 'proof', 'null'), (e.word -> 'signed')::boolean, true
    from (select word from jsonb_array_elements(earlier) with ordinality as w (word, place) order by place) e;
    insert into trust_authorities (authority_id, revision, authority_data, is_active, updated_by, request_id, request_hash,
      document_proof, self_signed)
    values (id, 0, document, kind in ('register', 'import'), actor, request, hash, proof, signed);
  elsif outcome = 'updated' then
    update trust_authorities a
    set authority_data = document, updated_by = actor, request_id = request, request_hash = hash,
        document_proof = proof, self_signed = signed
    where a.authority_id = id;
  elsif outcome = 'deactivated' then
    update trust_authorities a
    set is_active = false, updated_by = actor, request_id = request, request_hash = hash
    where a.authority_id = id;
  end if;

  return query
  select outcome, r.*
  from (select) one
  left join lateral (
    select h.revision, h.authority_id, h.authority_data, h.is_active, h.created_at, h.updated_at, h.updated_by,
           h.document_proof, h.self_signed
    from trust_authority_revisions h
    where h.authority_id = id and h.request_id = request
      and outcome in ('registered', 'updated', 'deactivated', 'replayed')
    union all
    select a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by,
           a.document_proof, a.self_signed
    from trust_authorities a
    where a.authority_id = id and outcome not in ('registered', 'updated', 'deactivated', 'replayed')
  ) r on true;
end
$$;
