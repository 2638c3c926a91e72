-- Answers each write with its outcome and a record: for what was done, now or before, the one from the history; for what was
-- not, the current one.
create or replace function trust_chains_answer(
  writes trust_chain_write[], outcomes text[], texts text[], at timestamptz)
returns setof trust_chain_written language plpgsql stable
set search_path from current
as $$
begin
  return query
  select w.ordinality, w.outcome, r.*, case w.outcome
    when 'delegator_revoked' then trust_revoked_delegator(w.depends, at)
    when 'moves' then r.authority_id
    when 'keeps_delegated' then (
      select trust_kept_capability(c.chain_data, texts[w.ordinality]::jsonb)
      from trust_chains c where c.agent_id = w.agent_id) end
  from unnest(outcomes, writes) with ordinality as w (outcome)
  left join lateral (
    select h.operation, h.revision, h.agent_id, h.authority_id, h.chain_hash, h.content_hash, h.status, h.is_active,
           h.signature_status, h.created_at, h.updated_at, h.expires_at, h.updated_by, h.revokes_at
    from trust_chain_revisions h
    where h.agent_id = w.agent_id and h.request_id = w.request_id
      and w.outcome in ('created', 'updated', 'deleted', 'restored', 'purged', 'replayed')
    union all
    select null, c.revision, c.agent_id, c.authority_id, c.chain_hash, c.content_hash, c.status, c.is_active,
           c.signature_status, c.created_at, c.updated_at, c.expires_at, c.updated_by, c.revokes_at
    from trust_chains c
    where c.agent_id = w.agent_id
      and w.outcome in ('unchanged', 'reused', 'stale', 'conflict', 'inactive', 'expired', 'delegator_revoked', 'unverifies',
        'moves', 'keeps_delegated')
  ) r on true
  order by w.ordinality;
end
$$;
