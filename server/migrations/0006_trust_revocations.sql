-- Revocations are rows of their own in the one order of changes; no signed document is ever edited to revoke. What stands
-- revoked follows from these rows alone, whoever writes them: the triggers below carry it over to chains and authorities.

create table trust_revocations (
  revision bigint primary key,
  -- The request that revoked: its rows are what it named and all that descends from it.
  revocation_id uuid not null,
  kind text not null check (kind in ('agent', 'delegation', 'capability', 'key')),
  -- The agent whose chain it is, or whose chain the record stands in; null for keys.
  agent_id text collate "C",
  -- The authority of a key; null for all others.
  authority_id text collate "C",
  -- Id of the delegation, capability or key; empty for agents.
  record_id text collate "C" not null default '',
  mode text not null check (mode in ('immediate', 'graceful', 'suspend')),
  -- Whose delegation it came down by; null for what the request named itself.
  descends_from text collate "C",
  -- From when it counts; of others than graceful ones at once, whatever a clock says.
  effective_at timestamptz,
  -- Of a key: since when others may have it; null: it verifies nothing any more.
  compromised_at timestamptz,
  reason text not null default '',
  revoked_at timestamptz not null default clock_timestamp(),
  revoked_by text not null default '',
  lifted_at timestamptz,
  lifted_by text,
  -- The request that changed the row last: that which revoked, or that which lifted.
  request_id uuid not null default gen_random_uuid(),
  -- What the request asked for: a retry is told from another request under the same id by it.
  request_hash text not null default '',
  unique nulls not distinct (revocation_id, kind, agent_id, authority_id, record_id),
  check ((kind = 'key') = (authority_id is not null) and (kind = 'key') = (agent_id is null)),
  check ((kind = 'agent') = (record_id = '')),
  check (kind <> 'key' or mode = 'immediate'),
  check (mode <> 'graceful' or effective_at is not null),
  check (compromised_at is null or kind = 'key')
);

create index trust_revocations_standing on trust_revocations (agent_id) where lifted_at is null;
create index trust_revocations_agent on trust_revocations (agent_id, revision) where agent_id is not null;
create index trust_revocations_authority on trust_revocations (authority_id, revision) where authority_id is not null;

-- What stands revoked of a chain, kept beside it so that one read has all and history tells how it was.
alter table trust_chains
  -- When a graceful revocation takes effect.
  add column revokes_at timestamptz,
  -- Records of the chain: [{"kind", "record_id", "from"}], from in microseconds since 1970, null: at once.
  add column revocations jsonb not null default '[]';
alter table trust_chain_revisions
  add column revokes_at timestamptz,
  add column revocations jsonb not null default '[]',
  drop constraint trust_chain_revisions_operation_check,
  add constraint trust_chain_revisions_operation_check check (operation in
    ('created', 'updated', 'deleted', 'restored', 'suspended', 'revoked', 'removed', 'revocations_changed'));

-- As before, and of what is asked beside it.
drop index trust_chains_expires;
create index trust_chains_expires on trust_chains (expires_at) include (agent_id, is_active, revokes_at, chain_bytes)
  where expires_at is not null;

-- What a GIN index has not yet sorted in is read through at each look: 0.5 ms where a look takes 0.02, and a cascade looks
-- once for each agent.
alter index trust_chains_delegator set (fastupdate = off);
select gin_clean_pending_list('trust_chains_delegator');

-- Whether an agent stands revoked at a moment: that of a graceful one is compared, others count at once.
create function trust_agent_revoked(agent text, at timestamptz) returns boolean language sql stable as $$
  select exists (
    select from trust_revocations r
    where r.agent_id = agent and r.kind = 'agent' and r.lifted_at is null
      and (r.mode <> 'graceful' or r.effective_at <= at))
$$;

create function trust_revocations_assign() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.mode <> 'suspend' or old.lifted_at is not null or new.lifted_at is null
      or (new.revocation_id, new.kind, new.agent_id, new.authority_id, new.record_id, new.mode, new.descends_from,
          new.reason, new.revoked_by)
        is distinct from (old.revocation_id, old.kind, old.agent_id, old.authority_id, old.record_id, old.mode,
          old.descends_from, old.reason, old.revoked_by)
    then
      raise exception 'a revocation stays as it is; only a suspension can be lifted, once'
        using errcode = 'restrict_violation';
    end if;
    if new.request_id = old.request_id then
      new.request_id := gen_random_uuid();
      new.lifted_by := 'postgres:' || session_user;
    end if;
    new.effective_at := old.effective_at;
    new.revoked_at := old.revoked_at;
    new.lifted_at := clock_timestamp();
  else
    if new.revoked_by = '' then
      new.revoked_by := 'postgres:' || session_user;
    end if;
    new.revoked_at := clock_timestamp();
    if new.mode <> 'graceful' then
      new.effective_at := new.revoked_at;
    end if;
    new.lifted_at := null;
    new.lifted_by := null;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

-- The chains and authorities that are meant become a change of their own: their triggers work out how they stand now.
create function trust_revocations_applied() returns trigger language plpgsql
-- As of trust_chains_assign.
set enable_seqscan = off
as $$
begin
  update trust_chains c
  set status = case when n.lifts and c.status = 'suspended' then 'active' else c.status end,
      request_id = n.request_id, updated_by = n.actor
  from (
    select agent_id, bool_or(kind = 'agent' and lifted_at is not null) as lifts, min(request_id::text)::uuid as request_id,
           min(coalesce(lifted_by, revoked_by)) as actor
    from new_rows where agent_id is not null group by agent_id
  ) n
  where c.agent_id = n.agent_id;
  update trust_authorities a
  set request_id = n.request_id, request_hash = n.request_hash, updated_by = n.actor
  from (
    select distinct on (authority_id) authority_id, request_id, request_hash, revoked_by as actor
    from new_rows where authority_id is not null order by authority_id, revision
  ) n
  where a.authority_id = n.authority_id;
  perform pg_notify('trust_revisions', '');
  return null;
end
$$;

-- As ProtoJSON writes a google.protobuf.Timestamp, which ends with the year 9999.
create function trust_time_text(at timestamptz) returns text language sql stable as $$
  select to_char(
    least(greatest(at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z') at time zone 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  where at is not null
$$;

-- The keys of an authority, each with how it stands revoked. Without a compromised_at it verifies nothing; of several the
-- earliest counts.
create function trust_revoked_keys(authority text, keys jsonb) returns jsonb language sql stable as $$
  select jsonb_agg(case when r.revoked_at is null then k.key else
    k.key - 'compromised_at' || jsonb_strip_nulls(jsonb_build_object(
      'revoked_at', trust_time_text(r.revoked_at), 'compromised_at', trust_time_text(r.compromised_at))) end
    order by k.place)
  from jsonb_array_elements(keys) with ordinality as k (key, place)
  left join lateral (
    select min(v.revoked_at) as revoked_at,
           case when bool_and(v.compromised_at is not null) then min(v.compromised_at) end as compromised_at
    from trust_revocations v
    where v.authority_id = authority and v.record_id = k.key ->> 'key_id'
  ) r on true
$$;

create function trust_revocations_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'revocations are kept: a suspension is lifted by setting lifted_at, nothing takes others back'
    using errcode = 'restrict_violation';
end
$$;

create trigger trust_revocations_1_lock before insert or update on trust_revocations
  for each statement execute function trust_chains_lock_statement();
create trigger trust_revocations_2_assign before insert or update on trust_revocations
  for each row execute function trust_revocations_assign();
create trigger trust_revocations_3_made after insert on trust_revocations
  referencing new table as new_rows for each statement execute function trust_revocations_applied();
create trigger trust_revocations_3_lifted after update on trust_revocations
  referencing new table as new_rows for each statement execute function trust_revocations_applied();
create trigger trust_revocations_refuse before delete or truncate on trust_revocations
  for each statement execute function trust_revocations_refuse();

-- As before, and however a chain is written it stands as its revocations say: stored anew, restored or set by hand.
create or replace function trust_chains_assign() returns trigger language plpgsql
-- The plan of a trigger is kept for the session. Made for a write of one chain, while nothing was revoked, it would read all
-- revocations for each chain: 10 s for 10,000.
set enable_seqscan = off
as $$
declare
  standing record;
begin
  if tg_op = 'UPDATE' then
    if new.agent_id <> old.agent_id then
      raise exception 'agent_id of a trust chain cannot change' using errcode = 'restrict_violation';
    end if;
    if new.is_active <> old.is_active and new.status = old.status then
      if old.status = 'revoked' then
        raise exception 'a revoked trust chain stays revoked' using errcode = 'restrict_violation';
      end if;
      new.status := case when new.is_active then 'active' else 'deleted' end;
    end if;
    -- A writer that names no request of its own is a person or another program.
    if new.request_id = old.request_id then
      new.request_id := gen_random_uuid();
      new.updated_by := 'postgres:' || session_user;
    end if;
  else
    if new.updated_by = '' then
      new.updated_by := 'postgres:' || session_user;
    end if;
    if not new.is_active and new.status = 'active' then
      new.status := 'deleted';
    end if;
  end if;
  select bool_or(r.kind = 'agent' and r.mode = 'immediate') as revoked,
         bool_or(r.kind = 'agent' and r.mode = 'suspend') as suspended,
         min(r.effective_at) filter (where r.kind = 'agent' and r.mode = 'graceful') as revokes_at,
         jsonb_agg(jsonb_build_object('kind', r.kind, 'record_id', r.record_id, 'from',
           case when r.mode = 'graceful' then (extract(epoch from r.effective_at) * 1000000)::bigint end)
           order by r.revision) filter (where r.kind <> 'agent') as records
  into standing
  from trust_revocations r where r.agent_id = new.agent_id and r.lifted_at is null;
  if standing.revoked then
    new.status := 'revoked';
  elsif standing.suspended and new.status = 'active' then
    new.status := 'suspended';
  end if;
  new.revokes_at := standing.revokes_at;
  new.revocations := coalesce(standing.records, '[]');
  new.is_active := new.status = 'active';
  new.updated_at := clock_timestamp();
  if tg_op = 'INSERT' then
    new.created_at := new.updated_at;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

create or replace function trust_chains_created() returns trigger language plpgsql as $$
begin
  insert into trust_chain_revisions
  select revision, agent_id, 'created', authority_id, chain_data, chain_hash, content_hash, status, is_active,
         signature_status, created_at, updated_at, expires_at, updated_by, request_id, revokes_at, revocations
  from new_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create or replace function trust_chains_updated() returns trigger language plpgsql
-- Likewise, and it would compare each new row with each old one. What a statement changed has no index.
set enable_seqscan = off
set enable_nestloop = off
set enable_hashjoin = on
as $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id,
         case
           when n.status <> o.status then case n.status when 'active' then 'restored' else n.status end
           when exists (select from trust_revocations r where r.agent_id = n.agent_id and r.request_id = n.request_id)
             then 'revocations_changed'
           else 'updated'
         end,
         n.authority_id, n.chain_data, n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status,
         n.created_at, n.updated_at, n.expires_at, n.updated_by, n.request_id, n.revokes_at, n.revocations
  from new_rows n join old_rows o using (agent_id);
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create or replace function trust_chains_removed() returns trigger language plpgsql as $$
declare
  asked jsonb := coalesce(nullif(current_setting('trust_registry.removals', true), ''), '{}');
begin
  update trust_chain_revisions set chain_data = null
  where agent_id in (select agent_id from old_rows) and chain_data is not null;
  insert into trust_chain_revisions
  select nextval('trust_revision'), agent_id, 'removed', authority_id, null, chain_hash, content_hash, 'deleted', false,
         signature_status, created_at, clock_timestamp(), expires_at,
         coalesce(asked -> agent_id ->> 1, 'postgres:' || session_user),
         coalesce((asked -> agent_id ->> 0)::uuid, gen_random_uuid()), revokes_at, revocations
  from old_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

-- As before, and however an authority is written its keys stand as its revocations say: set by hand, or registered anew after
-- it was removed by hand.
create or replace function trust_authorities_assign() returns trigger language plpgsql as $$
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
  if jsonb_typeof(new.authority_data -> 'keys') = 'array'
    and exists (select from trust_revocations r where r.authority_id = new.authority_id) then
    new.authority_data := jsonb_set(new.authority_data, '{keys}',
      coalesce(trust_revoked_keys(new.authority_id, new.authority_data -> 'keys'), '[]'));
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

-- Somebody above the writer of a document who stands revoked; null: nobody. `depends` as trust_chains_write has it.
create function trust_revoked_delegator(depends text, at timestamptz) returns text language sql stable as $$
  select agent_id from jsonb_object_keys(depends::jsonb -> 'chains') as d (agent_id)
  where trust_agent_revoked(agent_id, at)
  order by agent_id limit 1
$$;

-- The one way in which the server writes: judges each row and writes it, many rows in one round trip.
--
-- The lock comes first: each statement of a VOLATILE function has a snapshot of its own, so all that follow see every
-- commit before. A condition beside the write in a single statement reads the snapshot from before the lock, and loses
-- updates. Judged in this order: replay, what it depends on, not found, expected revision, status.
--
-- The arrays run in parallel, a position a write; an agent stands in them at most once. `operation` is store, update,
-- delete, restore or remove. `depends` says which other rows the server looked at to judge the document, with the revisions
-- it saw (0: none was there): {"chains": {agent_id: revision}, "authorities": {authority_id: revision}}.
-- Answers a row per write with its outcome:
--   created, updated, deleted, restored, removed   done; the record is the new one
--   replayed                                       done before under this request_id; the record is that of then
--   unchanged                                      nothing to do; the record is the one that stands
--   reused                                         this request_id did something else before
--   stale                                          what it depends on has changed; judge the document again
--   not_found, conflict, inactive, expired         refused; the record is the one that stands, if any
--   revoked                                        refused; nothing is stored, and the agent stands revoked or suspended
--   delegator_revoked                                 refused; `culprit`, from whom the chain's trust comes down, stands so
drop function trust_chains_write;

create function trust_chains_write(
  operations text[],
  agent_ids text[],
  request_ids uuid[],
  actors text[],
  expected_revisions bigint[],
  authority_ids text[],
  chain_datas text[],
  chain_bytes_all integer[],
  chain_hashes text[],
  content_hashes text[],
  expires_ats timestamptz[],
  signature_statuses text[],
  depends text[],
  at timestamptz
) returns table (
  "position" bigint, outcome text, operation text, revision bigint, agent_id text, authority_id text, chain_hash text,
  content_hash text, status text, is_active boolean, signature_status text, created_at timestamptz,
  updated_at timestamptz, expires_at timestamptz, updated_by text, revokes_at timestamptz, culprit text
)
language plpgsql volatile
-- A hand-made write that is held open makes other writers fail, not wait for ever; below the server's own 2 s.
set lock_timeout = '1800ms'
-- A session keeps the plans of a function until its tables are analyzed anew. Made while the tables were small, a plan reads all
-- of them: an import into a young registry then spent seconds on each batch, and failed. Rows are always found by their key.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  outcomes text[];
  -- As empty as most registries' revocations are, nobody's are looked for.
  any_revoked boolean;
begin
  perform trust_chains_lock();
  any_revoked := exists (select from trust_revocations where kind = 'agent' and lifted_at is null);

  select array_agg(
    case
      when h.revision is not null then
        case
          when w.operation in ('store', 'update') and h.operation in ('created', 'updated')
            and h.content_hash = w.content_hash and h.expires_at is not distinct from w.expires_at then 'replayed'
          when (w.operation, h.operation) in (('delete', 'deleted'), ('restore', 'restored'), ('remove', 'removed'))
            then 'replayed'
          else 'reused'
        end
      -- Within a batch the writes before count as done.
      when exists (
        select from jsonb_each_text(w.depends::jsonb -> 'chains') as d (agent_id, revision)
        left join trust_chains other on other.agent_id = d.agent_id
        where coalesce(other.revision, 0) <> d.revision::bigint or d.agent_id = any (agent_ids[1:w.n - 1])
      ) then 'stale'
      when exists (
        select from jsonb_each_text(w.depends::jsonb -> 'authorities') as d (authority_id, revision)
        left join trust_authorities other on other.authority_id = d.authority_id
        where coalesce(other.revision, 0) <> d.revision::bigint
      ) then 'stale'
      when c.agent_id is null and w.operation <> 'store' then 'not_found'
      when w.expected_revision <> coalesce(c.revision, 0) then 'conflict'
      when any_revoked and w.operation in ('store', 'update') and trust_revoked_delegator(w.depends, at) is not null
        then 'delegator_revoked'
      when w.operation = 'remove' then 'removed'
      when w.operation = 'delete' then
        case
          when c.status = 'deleted' then 'unchanged'
          when c.status <> 'active' or c.revokes_at <= at then 'inactive'
          else 'deleted'
        end
      when w.operation = 'restore' then
        case
          when c.status = 'revoked' or any_revoked and trust_agent_revoked(w.agent_id, at) then 'inactive'
          when c.status = 'active' then 'unchanged'
          when c.expires_at < at then 'expired'
          else 'restored'
        end
      when c.agent_id is null then case when any_revoked and trust_agent_revoked(w.agent_id, at) then 'revoked' else 'created' end
      when c.status <> 'active' or c.revokes_at <= at then 'inactive'
      else 'updated'
    end order by w.n)
  into outcomes
  from unnest(operations, agent_ids, request_ids, expected_revisions, content_hashes, expires_ats, depends)
    with ordinality as w (operation, agent_id, request_id, expected_revision, content_hash, expires_at, depends, n)
  left join trust_chains c on c.agent_id = w.agent_id
  left join trust_chain_revisions h on h.agent_id = w.agent_id and h.request_id = w.request_id;

  if 'created' = any (outcomes) then
    insert into trust_chains (agent_id, revision, request_id, updated_by, authority_id, chain_data, chain_bytes,
      chain_hash, content_hash, expires_at, signature_status)
    select w.agent_id, 0, w.request_id, w.actor, w.authority_id, w.chain_data::jsonb, w.chain_bytes,
           w.chain_hash, w.content_hash, w.expires_at, w.signature_status
    from unnest(outcomes, agent_ids, request_ids, actors, authority_ids, chain_datas, chain_bytes_all, chain_hashes,
      content_hashes, expires_ats, signature_statuses)
      as w (outcome, agent_id, request_id, actor, authority_id, chain_data, chain_bytes, chain_hash, content_hash,
        expires_at, signature_status)
    where w.outcome = 'created';
  end if;

  if 'updated' = any (outcomes) then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor, authority_id = w.authority_id,
        chain_data = w.chain_data::jsonb, chain_bytes = w.chain_bytes, chain_hash = w.chain_hash,
        content_hash = w.content_hash, expires_at = w.expires_at, signature_status = w.signature_status
    from unnest(outcomes, agent_ids, request_ids, actors, authority_ids, chain_datas, chain_bytes_all, chain_hashes,
      content_hashes, expires_ats, signature_statuses)
      as w (outcome, agent_id, request_id, actor, authority_id, chain_data, chain_bytes, chain_hash, content_hash,
        expires_at, signature_status)
    where w.outcome = 'updated' and c.agent_id = w.agent_id;
  end if;

  if array['deleted', 'restored'] && outcomes then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor,
        status = case w.outcome when 'deleted' then 'deleted' else 'active' end
    from unnest(outcomes, agent_ids, request_ids, actors) as w (outcome, agent_id, request_id, actor)
    where w.outcome in ('deleted', 'restored') and c.agent_id = w.agent_id;
  end if;

  if 'removed' = any (outcomes) then
    perform set_config('trust_registry.removals', (
      select jsonb_object_agg(w.agent_id, jsonb_build_array(w.request_id, w.actor))
      from unnest(outcomes, agent_ids, request_ids, actors) as w (outcome, agent_id, request_id, actor)
      where w.outcome = 'removed')::text, true);
    delete from trust_chains c
    using unnest(outcomes, agent_ids) as w (outcome, agent_id)
    where w.outcome = 'removed' and c.agent_id = w.agent_id;
    perform set_config('trust_registry.removals', '', true);
  end if;

  return query
  select w.n, w.outcome, r.*, case when w.outcome = 'delegator_revoked' then trust_revoked_delegator(w.depends, at) end
  from unnest(outcomes, agent_ids, request_ids, depends) with ordinality
    as w (outcome, agent_id, request_id, depends, n)
  left join lateral (
    select h.operation, h.revision, h.agent_id, h.authority_id, h.chain_hash, h.content_hash, h.status, h.is_active,
           h.signature_status, h.created_at, h.updated_at, h.expires_at, h.updated_by, h.revokes_at
    from trust_chain_revisions h
    where h.agent_id = w.agent_id and h.request_id = w.request_id
      and w.outcome in ('created', 'updated', 'deleted', 'restored', 'removed', 'replayed')
    union all
    select null, c.revision, c.agent_id, c.authority_id, c.chain_hash, c.content_hash, c.status, c.is_active,
           c.signature_status, c.created_at, c.updated_at, c.expires_at, c.updated_by, c.revokes_at
    from trust_chains c
    where c.agent_id = w.agent_id
      and w.outcome in ('unchanged', 'reused', 'stale', 'conflict', 'inactive', 'expired', 'delegator_revoked')
  ) r on true
  order by w.n;
end
$$;
