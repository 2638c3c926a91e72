-- Decides what becomes of each write, without writing anything:
--   created, updated, deleted, restored, purged    to be done; the answer has the new record
--   replayed                                       was done before under this request_id; the answer has the record of then
--   unchanged                                      nothing to do; the answer has the current record
--   reused                                         this request_id did something else before
--   stale                                          what the document depends on has changed; judge it again
--   not_found, conflict, inactive, expired         refused; the answer has the current record, if there is one
--   revoked                                        refused: nothing is stored, and the agent is revoked or suspended
--   delegator_revoked                              refused: `culprit`, an agent above this one, is revoked or suspended
--   unverifies                                     refused: the stored chain is verified, the new one is not
--   keeps_delegated                                refused: `culprit`, as trust_kept_capability names them, are a delegation that the new
--                                                  document drops and a capability that came by it, which it keeps
--   moves                                          refused: the stored chain is of the genesis authority `culprit`, not of the new one's
--
-- `texts` are the documents of the writes, in their order.
--
-- Checked in this order: replay, dependencies, existence, expected revision, status.
create or replace function trust_chains_judge(writes trust_chain_write[], texts text[], at timestamptz) returns text[]
language plpgsql stable
set search_path from current
as $$
declare
  agent_ids text[] := array(select w.agent_id from unnest(writes) w);
  -- Most registries have revoked no agent, and then no write looks for its own.
  any_revoked boolean := exists (select from trust_revocations where kind = 'agent' and lifted_at is null);
begin
  return (
    select array_agg(
      case
        when h.revision is not null then
          case
            when w.operation in ('store', 'update') and h.operation in ('created', 'updated')
              and h.content_hash = w.content_hash and h.expires_at is not distinct from w.expires_at then 'replayed'
            when (w.operation, h.operation) in (('delete', 'deleted'), ('restore', 'restored'), ('purge', 'purged'))
              then 'replayed'
            else 'reused'
          end
        -- Earlier writes of the batch count as done.
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
        when c.agent_id is null and w.operation <> 'store' then 'not_found'
        when w.expected_revision <> coalesce(c.revision, 0) then 'conflict'
        when any_revoked and w.operation in ('store', 'update') and trust_revoked_delegator(w.depends, at) is not null
          then 'delegator_revoked'
        when w.operation = 'purge' then 'purged'
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
            when any_revoked and trust_revoked_delegator(w.depends, at) is not null then 'delegator_revoked'
            else 'restored'
          end
        when c.agent_id is null then
          case when any_revoked and trust_agent_revoked(w.agent_id, at) then 'revoked' else 'created' end
        when c.status <> 'active' or c.revokes_at <= at then 'inactive'
        when c.authority_id <> w.authority_id and not coalesce(w.allow_new_authority, false) then 'moves'
        when c.signature_status = 'verified' and w.signature_status <> 'verified' and not coalesce(w.allow_unverified, false)
          then 'unverifies'
        when c.chain_data @? '$.delegations[0]' and trust_kept_capability(c.chain_data, texts[w.ordinality]::jsonb) is not null
          then 'keeps_delegated'
        else 'updated'
      end order by w.ordinality)
    from unnest(writes) with ordinality as w
    -- The limits make the planner look up each row by its key. Planned for nearly empty tables, a plain join reads them whole.
    left join lateral (select * from trust_chains c where c.agent_id = w.agent_id limit 1) c on true
    left join lateral (
      select * from trust_chain_revisions h where h.agent_id = w.agent_id and h.request_id = w.request_id limit 1
    ) h on true);
end
$$;
