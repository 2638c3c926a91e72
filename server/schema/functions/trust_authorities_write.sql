-- All writes of authorities by the server go through this function. Checked in this order: replay, existence, expected revision,
-- parent.
--
-- `kind` is register, update (of the document, with its keys) or deactivate; `not_after` is that of trust_lock. Answers one row:
--   registered, updated, deactivated   done; the row is the new one
--   replayed                           was done before under this request_id; the row is that of then
--   unchanged                          nothing to do; the row is the current one
--   reused                             this request_id did something else before
--   exists, not_found, conflict        refused; the row is the current one, if there is one
--   parent_not_found, parent_cycle     refused; the row is the current one, if there is one
create or replace function trust_authorities_write(
  kind text,
  id text,
  request uuid,
  hash text,
  actor text,
  expected bigint,
  document jsonb,
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
begin
  perform trust_lock(not_after);
  select * into done from trust_authority_revisions r where r.authority_id = id and r.request_id = request;
  select * into present from trust_authorities a where a.authority_id = id;

  outcome := case
    when done.revision is not null then case when done.request_hash = hash then 'replayed' else 'reused' end
    when kind = 'register' and present.revision is not null then 'exists'
    when kind <> 'register' and present.revision is null then 'not_found'
    when expected <> present.revision then 'conflict'
    when kind = 'deactivate' then case when present.is_active then 'deactivated' else 'unchanged' end
    when parent is not null and trust_authority_is_above(id, parent) then 'parent_cycle'
    when parent is not null and not exists (select from trust_authorities a where a.authority_id = parent)
      then 'parent_not_found'
    when kind = 'register' then 'registered'
    else 'updated'
  end;

  if outcome = 'registered' then
    insert into trust_authorities (authority_id, revision, authority_data, updated_by, request_id, request_hash)
    values (id, 0, document, actor, request, hash);
  elsif outcome = 'updated' then
    update trust_authorities a
    set authority_data = document, updated_by = actor, request_id = request, request_hash = hash
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
    select h.revision, h.authority_id, h.authority_data, h.is_active, h.created_at, h.updated_at, h.updated_by
    from trust_authority_revisions h
    where h.authority_id = id and h.request_id = request
      and outcome in ('registered', 'updated', 'deactivated', 'replayed')
    union all
    select a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by
    from trust_authorities a
    where a.authority_id = id and outcome not in ('registered', 'updated', 'deactivated', 'replayed')
  ) r on true;
end
$$;
