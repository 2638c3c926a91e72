-- Stores what an archive of another registry has of agents: chains in their state there (the operation is import_active,
-- import_deleted, import_suspended or import_revoked), or that a chain was purged (import_purged). The arguments and the answer
-- are those of trust_chains_write; the record is the newest of the agent where nothing was done. The outcomes, checked in this
-- order:
--   replayed, reused, stale   as of trust_chains_judge
--   unchanged                 the same chain is stored in the same state, or in the one that its agent's revocations imply; or
--                             a chain of the agent was purged here too
--   conflict                  another chain of the agent is stored, or in another state
--   delegator_revoked         refused: it would be active below `culprit`, an agent that is revoked or suspended
--   created, purged           done
--
-- Unlike a store it takes the chain of a revoked agent: its revocations decide the state from the first moment
-- (trust_chains_standing).
create or replace function trust_chains_import(
  writes trust_chain_write[], documents text, at timestamptz, not_after timestamptz
) returns setof trust_chain_written language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  texts text[] := string_to_array(documents, E'\x1f', '');
  agent_ids text[] := array(select w.agent_id from unnest(writes) w);
  outcomes text[];
begin
  perform trust_lock(not_after);
  -- As in trust_chains_apply.
  if cardinality(texts) > cardinality(writes) then
    raise exception 'a document holds the control character that separates documents' using errcode = 'data_exception';
  end if;

  outcomes := array(
    select case
      when h.revision is not null then
        case
          when w.operation = 'import_purged' and h.operation = 'purged' then 'replayed'
          when h.operation = 'created' and h.content_hash = w.content_hash
            and h.expires_at is not distinct from w.expires_at then 'replayed'
          else 'reused'
        end
      when exists (
        select from jsonb_each_text(w.depends -> 'chains') as d (agent_id, revision)
        left join trust_chains other on other.agent_id = d.agent_id
        where coalesce(other.revision, 0) <> d.revision::bigint or d.agent_id = any (agent_ids[1:w.ordinality - 1])
      ) then 'stale'
      when exists (
        select from jsonb_each_text(w.depends -> 'authorities') as d (authority_id, revision)
        left join trust_authorities other on other.authority_id = d.authority_id
        where coalesce(other.revision, 0) <> d.revision::bigint
      ) then 'stale'
      when c.agent_id is not null then
        case
          when c.content_hash = w.content_hash and c.expires_at is not distinct from w.expires_at
            and (w.operation = 'import_' || c.status
              or c.status in ('revoked', 'suspended') and trust_agent_revoked(w.agent_id, at)) then 'unchanged'
          else 'conflict'
        end
      when w.operation = 'import_purged' then
        case
          when exists (select from trust_chain_revisions past where past.agent_id = w.agent_id) then 'unchanged'
          else 'purged'
        end
      when w.operation = 'import_active' and trust_revoked_delegator(w.depends, at) is not null
        and not trust_agent_revoked(w.agent_id, at) then 'delegator_revoked'
      else 'created'
    end
    from unnest(writes) with ordinality as w
    left join lateral (select * from trust_chains c where c.agent_id = w.agent_id limit 1) c on true
    left join lateral (
      select * from trust_chain_revisions h where h.agent_id = w.agent_id and h.request_id = w.request_id limit 1
    ) h on true
    order by w.ordinality);

  insert into trust_chains (agent_id, revision, request_id, updated_by, authority_id, chain_data, chain_bytes,
    chain_hash, content_hash, expires_at, signature_status, status, is_active)
  select w.agent_id, 0, w.request_id, w.actor, w.authority_id, w.document::jsonb, w.chain_bytes,
         w.chain_hash, w.content_hash, w.expires_at, w.signature_status, substr(w.operation, 8),
         w.operation = 'import_active'
  from unnest(outcomes, texts, writes) as w (outcome, document)
  where w.outcome = 'created';

  insert into trust_chain_revisions
  select nextval('trust_revision'), w.agent_id, 'purged', w.authority_id, null, w.chain_hash, w.content_hash, 'deleted', false,
         'unverified', clock_timestamp(), clock_timestamp(), null, w.actor, w.request_id, null, '[]'
  from unnest(outcomes, writes) as w (outcome)
  where w.outcome = 'purged';

  return query
  select w.ordinality, w.outcome, r.*, case when w.outcome = 'delegator_revoked' then trust_revoked_delegator(w.depends, at) end
  from unnest(outcomes, writes) with ordinality as w (outcome)
  left join lateral (
    select case when h.request_id = w.request_id then h.operation end, h.revision, h.agent_id, h.authority_id, h.chain_hash,
           h.content_hash, h.status, h.is_active, h.signature_status, h.created_at, h.updated_at, h.expires_at,
           h.updated_by, h.revokes_at
    from trust_chain_revisions h
    where h.agent_id = w.agent_id
    order by h.request_id = w.request_id desc, h.revision desc limit 1
  ) r on true
  order by w.ordinality;
end
$$;
