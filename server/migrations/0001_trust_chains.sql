-- The chains as they are now, every change there ever was, and the one order of changes.
-- PostgreSQL 15 to 18. Whoever writes trust_chains, the server or a person in psql, goes through the triggers below.

create sequence trust_revision as bigint;

create table trust_chains (
  agent_id text collate "C" primary key,
  revision bigint not null,
  authority_id text not null,
  -- The only copy of the document: ProtoJSON with proto field names.
  chain_data jsonb not null,
  -- Size of the chain in protobuf's binary form, so that a page of chains can end before it is read.
  chain_bytes integer not null,
  chain_hash text not null,
  content_hash text not null,
  status text not null default 'active' check (status in ('active', 'deleted', 'suspended', 'revoked')),
  is_active boolean not null default true,
  signature_status text not null default 'unverified'
    check (signature_status in ('unverified', 'verified')),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  updated_by text not null default '',
  request_id uuid not null default gen_random_uuid(),
  check (octet_length(agent_id) between 1 and 512),
  check (is_active = (status = 'active'))
);

create table trust_chain_revisions (
  revision bigint primary key,
  agent_id text collate "C" not null,
  operation text not null
    check (operation in ('created', 'updated', 'deleted', 'restored', 'suspended', 'revoked', 'removed')),
  authority_id text not null,
  -- Null once the chain was deleted for good.
  chain_data jsonb,
  chain_hash text not null,
  content_hash text not null,
  status text not null,
  is_active boolean not null,
  signature_status text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  updated_by text not null,
  request_id uuid not null,
  unique (agent_id, request_id)
);

create index trust_chain_revisions_agent on trust_chain_revisions (agent_id, revision desc);

-- Taken first by every writer and held to its commit, so that the order of revisions is the order of commits and
-- "everything after N" never skips a late one. A bare sequence commits out of order.
create function trust_chains_lock() returns void language sql as $$
  select pg_advisory_xact_lock(7166746355081732685)
$$;

create function trust_chains_lock_statement() returns trigger language plpgsql as $$
begin
  perform trust_chains_lock();
  return null;
end
$$;

create function trust_chains_assign() returns trigger language plpgsql as $$
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
  new.is_active := new.status = 'active';
  new.updated_at := clock_timestamp();
  if tg_op = 'INSERT' then
    new.created_at := new.updated_at;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

create function trust_chains_created() returns trigger language plpgsql as $$
begin
  insert into trust_chain_revisions
  select revision, agent_id, 'created', authority_id, chain_data, chain_hash, content_hash, status, is_active,
         signature_status, created_at, updated_at, expires_at, updated_by, request_id
  from new_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create function trust_chains_updated() returns trigger language plpgsql as $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id,
         case when n.status = o.status then 'updated' when n.status = 'active' then 'restored' else n.status end,
         n.authority_id, n.chain_data, n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status,
         n.created_at, n.updated_at, n.expires_at, n.updated_by, n.request_id
  from new_rows n join old_rows o using (agent_id);
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

-- A row that goes takes the documents of its history along; hashes and a tombstone stay. There is no new row to carry who
-- asked for it, so trust_chains_write says so in a setting of the transaction: {agent_id: [request_id, updated_by]}.
create function trust_chains_removed() returns trigger language plpgsql as $$
declare
  asked jsonb := coalesce(nullif(current_setting('trust_registry.removals', true), ''), '{}');
begin
  update trust_chain_revisions set chain_data = null
  where agent_id in (select agent_id from old_rows) and chain_data is not null;
  insert into trust_chain_revisions
  select nextval('trust_revision'), agent_id, 'removed', authority_id, null, chain_hash, content_hash, 'deleted', false,
         signature_status, created_at, clock_timestamp(), expires_at,
         coalesce(asked -> agent_id ->> 1, 'postgres:' || session_user),
         coalesce((asked -> agent_id ->> 0)::uuid, gen_random_uuid())
  from old_rows;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create function trust_chains_refuse_truncate() returns trigger language plpgsql as $$
begin
  raise exception '% cannot be truncated: delete chains one by one, so that history tells it', tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger trust_chains_1_lock before insert or update or delete on trust_chains
  for each statement execute function trust_chains_lock_statement();
create trigger trust_chains_2_assign before insert or update on trust_chains
  for each row execute function trust_chains_assign();
create trigger trust_chains_3_created after insert on trust_chains
  referencing new table as new_rows for each statement execute function trust_chains_created();
create trigger trust_chains_3_updated after update on trust_chains
  referencing old table as old_rows new table as new_rows for each statement execute function trust_chains_updated();
create trigger trust_chains_3_removed after delete on trust_chains
  referencing old table as old_rows for each statement execute function trust_chains_removed();
create trigger trust_chains_refuse_truncate before truncate on trust_chains
  for each statement execute function trust_chains_refuse_truncate();
create trigger trust_chain_revisions_refuse_truncate before truncate on trust_chain_revisions
  for each statement execute function trust_chains_refuse_truncate();
