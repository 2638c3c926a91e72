-- The same writes at less cost.

-- As before, and where nobody stands revoked nothing is worked out.
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
  -- Of nobody usually, and the aggregates over none cost as much as the rest of this function.
  if exists (select from trust_revocations r where r.agent_id = new.agent_id and r.lifted_at is null) then
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
  else
    new.revokes_at := null;
    new.revocations := '[]';
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

-- As before, and the document is taken from the row that was stored: there it is compressed already, in new_rows it is not, and
-- to compress it once more takes 20 us of the 225 of a write.
create or replace function trust_chains_created() returns trigger language plpgsql
-- As of trust_chains_updated.
set enable_seqscan = off
as $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id, 'created', n.authority_id,
         coalesce(
           (select c.chain_data from trust_chains c where c.agent_id = n.agent_id and c.revision = n.revision), n.chain_data),
         n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status, n.created_at, n.updated_at, n.expires_at,
         n.updated_by, n.request_id, n.revokes_at, n.revocations
  from new_rows n;
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

create or replace function trust_chains_updated() returns trigger language plpgsql
-- The plan is kept for the session, as that of trust_chains_assign: it would compare each new row with each old one. What a
-- statement changed has no index.
set enable_seqscan = off
set enable_nestloop = off
set enable_hashjoin = on
as $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id,
         case
           when n.status <> o.status then case n.status when 'active' then 'restored' else n.status end
           -- Not `exists`: for a batch the planner would hash all revocations, whatever enable_seqscan says; with 100,000 of
           -- them each batch took 30 ms more, until the table was analyzed.
           when (
             select true from trust_revocations r
             where r.agent_id = n.agent_id and r.request_id = n.request_id limit 1) then 'revocations_changed'
           else 'updated'
         end,
         n.authority_id,
         coalesce(
           (select c.chain_data from trust_chains c where c.agent_id = n.agent_id and c.revision = n.revision), n.chain_data),
         n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status, n.created_at, n.updated_at, n.expires_at,
         n.updated_by, n.request_id, n.revokes_at, n.revocations
  from new_rows n join old_rows o using (agent_id);
  if found then perform pg_notify('trust_revisions', ''); end if;
  return null;
end
$$;

-- The one way in which the server writes: judges each row and writes it, many rows in one round trip.
--
-- The lock comes first: each statement of a VOLATILE function has a snapshot of its own, so all that follow see every
-- commit before. A condition beside the write in a single statement reads the snapshot from before the lock, and loses
-- updates. Judged in this order: replay, what it depends on, not found, expected revision, status.
--
-- The arrays run in parallel, a position a write; an agent stands in them at most once. `operation` is store, update,
-- delete, restore or remove. `chain_datas` are the documents, U+001F between two: JSON holds it only escaped, and to take apart
-- an array of them takes 10 us a document more. `depends` says which other rows the server looked at to judge the document,
-- with the revisions it saw (0: none was there): {"chains": {agent_id: revision}, "authorities": {authority_id: revision}}.
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
  chain_datas text,
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
  documents text[] := string_to_array(chain_datas, E'\x1f', '');
  -- As empty as most registries' revocations are, nobody's are looked for.
  any_revoked boolean;
begin
  -- A document that is cut in two would give each one after it to the wrong agent.
  if cardinality(documents) > cardinality(agent_ids) then
    raise exception 'a document holds the control character that separates documents' using errcode = 'data_exception';
  end if;
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
    from unnest(outcomes, agent_ids, request_ids, actors, authority_ids, documents, chain_bytes_all, chain_hashes,
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
    from unnest(outcomes, agent_ids, request_ids, actors, authority_ids, documents, chain_bytes_all, chain_hashes,
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
