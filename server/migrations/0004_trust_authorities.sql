-- The authorities as they are now and every change of them, in the one order of changes that chains have: the same lock,
-- the same sequence, the same notification. Whoever writes trust_authorities goes through the triggers below.

create table trust_authorities (
  authority_id text collate "C" primary key,
  revision bigint not null,
  -- The only copy of the document: ProtoJSON with proto field names.
  authority_data jsonb not null,
  parent_authority_id text collate "C" generated always as (authority_data ->> 'parent_authority_id') stored
    references trust_authorities,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  updated_by text not null default '',
  request_id uuid not null default gen_random_uuid(),
  -- What the request asked for: a retry is told from another request under the same id by it.
  request_hash text not null default '',
  check (octet_length(authority_id) between 1 and 512),
  constraint trust_authorities_id check (authority_data ->> 'id' is not distinct from authority_id)
);

create index trust_authorities_parent on trust_authorities (parent_authority_id)
  where parent_authority_id is not null;

create table trust_authority_revisions (
  revision bigint primary key,
  authority_id text collate "C" not null,
  operation text not null
    check (operation in ('registered', 'updated', 'keys_changed', 'deactivated', 'reactivated', 'removed')),
  -- Null once the authority was removed by hand.
  authority_data jsonb,
  is_active boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  updated_by text not null,
  request_id uuid not null,
  request_hash text not null,
  unique (authority_id, request_id)
);

create index trust_authority_revisions_authority on trust_authority_revisions (authority_id, revision desc);

-- Whether `ancestor` is `authority` or above it. Ends in a cycle too.
create function trust_authority_is_above(ancestor text, authority text) returns boolean
language sql stable as $$
  with recursive above (authority_id) as (
    select authority collate "C"
    union
    select a.parent_authority_id
    from above b join trust_authorities a on a.authority_id = b.authority_id
    where a.parent_authority_id is not null
  )
  select ancestor in (select authority_id from above)
$$;

create function trust_authorities_assign() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.authority_id <> old.authority_id then
      raise exception 'authority_id cannot change' using errcode = 'restrict_violation';
    end if;
    -- A writer that names no request of its own is a person or another program.
    if new.request_id = old.request_id then
      new.request_id := gen_random_uuid();
      new.request_hash := '';
      new.updated_by := 'postgres:' || session_user;
    end if;
    new.created_at := old.created_at;
    new.updated_at := clock_timestamp();
  else
    if new.updated_by = '' then
      new.updated_by := 'postgres:' || session_user;
    end if;
    new.updated_at := clock_timestamp();
    new.created_at := new.updated_at;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

create function trust_authorities_registered() returns trigger language plpgsql as $$
begin
  if exists (select from new_rows n where trust_authority_is_above(n.authority_id, n.parent_authority_id)) then
    raise exception 'an authority cannot be above itself' using errcode = 'restrict_violation';
  end if;
  insert into trust_authority_revisions
  select revision, authority_id, 'registered', authority_data, is_active, created_at, updated_at, updated_by,
         request_id, request_hash
  from new_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create function trust_authorities_updated() returns trigger language plpgsql as $$
begin
  if exists (select from new_rows n where trust_authority_is_above(n.authority_id, n.parent_authority_id)) then
    raise exception 'an authority cannot be above itself' using errcode = 'restrict_violation';
  end if;
  insert into trust_authority_revisions
  select n.revision, n.authority_id,
         case
           when n.is_active < o.is_active then 'deactivated'
           when n.is_active > o.is_active then 'reactivated'
           when n.authority_data -> 'keys' is distinct from o.authority_data -> 'keys' then 'keys_changed'
           else 'updated'
         end,
         n.authority_data, n.is_active, n.created_at, n.updated_at, n.updated_by, n.request_id, n.request_hash
  from new_rows n join old_rows o using (authority_id);
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

-- No RPC removes an authority; a person can. As with chains the documents of its history go along.
create function trust_authorities_removed() returns trigger language plpgsql as $$
begin
  update trust_authority_revisions set authority_data = null
  where authority_id in (select authority_id from old_rows) and authority_data is not null;
  insert into trust_authority_revisions
  select nextval('trust_revision'), authority_id, 'removed', null, false, created_at, clock_timestamp(),
         'postgres:' || session_user, gen_random_uuid(), ''
  from old_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create function trust_authorities_refuse_truncate() returns trigger language plpgsql as $$
begin
  raise exception '% cannot be truncated: delete authorities one by one, so that history tells it', tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger trust_authorities_1_lock before insert or update or delete on trust_authorities
  for each statement execute function trust_chains_lock_statement();
create trigger trust_authorities_2_assign before insert or update on trust_authorities
  for each row execute function trust_authorities_assign();
create trigger trust_authorities_3_registered after insert on trust_authorities
  referencing new table as new_rows for each statement execute function trust_authorities_registered();
create trigger trust_authorities_3_updated after update on trust_authorities
  referencing old table as old_rows new table as new_rows for each statement execute function trust_authorities_updated();
create trigger trust_authorities_3_removed after delete on trust_authorities
  referencing old table as old_rows for each statement execute function trust_authorities_removed();
create trigger trust_authorities_refuse_truncate before truncate on trust_authorities
  for each statement execute function trust_authorities_refuse_truncate();
create trigger trust_authority_revisions_refuse_truncate before truncate on trust_authority_revisions
  for each statement execute function trust_authorities_refuse_truncate();

-- The one way in which the server writes authorities. As in trust_chains_write the lock comes first, so that all that
-- follows sees every commit before. Judged in this order: replay, exists or not found, expected revision, parent.
--
-- `kind` is register, update (of the document, keys or not) or deactivate. Answers one row:
--   registered, updated, deactivated   done; the row is the new one
--   replayed                           done before under this request_id; the row is that of then
--   unchanged                          nothing to do; the row is the one that stands
--   reused                             this request_id did something else before
--   exists, not_found, conflict        refused; the row is the one that stands, if any
--   parent_not_found, parent_cycle     refused; the row is the one that stands, if any
create function trust_authorities_write(
  kind text,
  id text,
  request uuid,
  hash text,
  actor text,
  expected bigint,
  document jsonb
) returns table (
  outcome text, revision bigint, authority_id text, authority_data jsonb, is_active boolean, created_at timestamptz,
  updated_at timestamptz, updated_by text
)
language plpgsql volatile
-- A hand-made write that is held open makes other writers fail, not wait for ever; below the server's own 2 s.
set lock_timeout = '1800ms'
as $$
#variable_conflict use_column
declare
  done trust_authority_revisions;
  present trust_authorities;
  parent text := document ->> 'parent_authority_id';
  judged text;
begin
  perform trust_chains_lock();
  select * into done from trust_authority_revisions r where r.authority_id = id and r.request_id = request;
  select * into present from trust_authorities a where a.authority_id = id;

  judged := case
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

  if judged = 'registered' then
    insert into trust_authorities (authority_id, revision, authority_data, updated_by, request_id, request_hash)
    values (id, 0, document, actor, request, hash);
  elsif judged = 'updated' then
    update trust_authorities a
    set authority_data = document, updated_by = actor, request_id = request, request_hash = hash
    where a.authority_id = id;
  elsif judged = 'deactivated' then
    update trust_authorities a
    set is_active = false, updated_by = actor, request_id = request, request_hash = hash
    where a.authority_id = id;
  end if;

  return query
  select judged, r.*
  from (select) one
  left join lateral (
    select h.revision, h.authority_id, h.authority_data, h.is_active, h.created_at, h.updated_at, h.updated_by
    from trust_authority_revisions h
    where h.authority_id = id and h.request_id = request
      and judged in ('registered', 'updated', 'deactivated', 'replayed')
    union all
    select a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by
    from trust_authorities a
    where a.authority_id = id and judged not in ('registered', 'updated', 'deactivated', 'replayed')
  ) r on true;
end
$$;
