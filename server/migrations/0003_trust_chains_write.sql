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
  updated_at timestamptz, expires_at timestamptz, updated_by text
)
language plpgsql volatile
-- A hand-made write that is held open makes other writers fail, not wait for ever; below the server's own 2 s.
set lock_timeout = '1800ms'
as $$
#variable_conflict use_column
declare
  outcomes text[];
begin
  perform trust_chains_lock();

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
      when w.operation = 'remove' then 'removed'
      when w.operation = 'delete' then
        case c.status when 'active' then 'deleted' when 'deleted' then 'unchanged' else 'inactive' end
      when w.operation = 'restore' then
        case
          when c.status = 'active' then 'unchanged'
          when c.status = 'revoked' then 'inactive'
          when c.expires_at < at then 'expired'
          else 'restored'
        end
      when c.agent_id is null then 'created'
      when c.status <> 'active' then 'inactive'
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
  select w.n, w.outcome, r.*
  from unnest(outcomes, agent_ids, request_ids) with ordinality as w (outcome, agent_id, request_id, n)
  left join lateral (
    select h.operation, h.revision, h.agent_id, h.authority_id, h.chain_hash, h.content_hash, h.status, h.is_active,
           h.signature_status, h.created_at, h.updated_at, h.expires_at, h.updated_by
    from trust_chain_revisions h
    where h.agent_id = w.agent_id and h.request_id = w.request_id
      and w.outcome in ('created', 'updated', 'deleted', 'restored', 'removed', 'replayed')
    union all
    select null, c.revision, c.agent_id, c.authority_id, c.chain_hash, c.content_hash, c.status, c.is_active,
           c.signature_status, c.created_at, c.updated_at, c.expires_at, c.updated_by
    from trust_chains c
    where c.agent_id = w.agent_id
      and w.outcome in ('unchanged', 'reused', 'stale', 'conflict', 'inactive', 'expired')
  ) r on true
  order by w.n;
end
$$;
