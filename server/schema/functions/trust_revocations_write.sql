-- All revocations by the server go through this function: of an agent, delegation or capability with everything that descends
-- from it, or of a key. It holds the lock from the first look to the last row, so that nothing is delegated on meanwhile. Where more than
-- `most` records descend it writes the named one alone, and leaves the others to trust_cascade_step.
--
-- `not_after` is that of trust_lock. Answers a row per revoked record, the one that the request named first; all rows have the
-- same `outcome`:
--   revoked                                done
--   replayed                               was done before under this request
--   reused                                 this request did something else before, or changed one of the chains or the
--                                          authority in another way, so that the history could not tell it under this id
--   past                                   refused: a graceful revocation must take effect in the future; the row is empty
--   agent_not_found, authority_not_found, record_not_found    refused; the row is empty
create or replace function trust_revocations_write(
  root_kind text,
  agent text,
  authority text,
  record text,
  root_mode text,
  effective timestamptz,
  compromised timestamptz,
  why text,
  request uuid,
  hash text,
  actor text,
  not_after timestamptz,
  most integer
) returns setof trust_revocation_written language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
-- As in trust_revocation_cascade.
set enable_seqscan = off
as $$
declare
  done text;
  outcome text;
  agents text[];
  records text[];
  all_names jsonb[];
  delegators text[];
  large boolean;
begin
  select r.request_hash into done from trust_revocations r where r.revocation_id = request limit 1;
  -- Who asks again how far a cascade is keeps no writer waiting.
  if done is null then
    -- Nor does the search that shows a cascade to be large.
    large := root_kind <> 'key' and not exists (select from trust_revocation_cascade(root_kind, agent, record, most));
    perform trust_lock(not_after);
    select r.request_hash into done from trust_revocations r where r.revocation_id = request limit 1;
  end if;

  outcome := case
    when done is not null then case when done = hash then 'replayed' else 'reused' end
    when root_mode = 'graceful' and effective <= clock_timestamp() then 'past'
    when root_kind = 'key' then
      case
        when not exists (select from trust_authorities a where a.authority_id = authority) then 'authority_not_found'
        when not exists (
          select from trust_authorities a, jsonb_path_query(a.authority_data, '$.keys[*]') k
          where a.authority_id = authority and k ->> 'key_id' = record) then 'record_not_found'
        when exists (
          select from trust_authority_revisions h where h.authority_id = authority and h.request_id = request) then 'reused'
        else 'revoked'
      end
    -- An agent without a chain may have delegated all the same.
    when root_kind = 'agent' then
      case
        when exists (select from trust_chain_revisions h where h.agent_id = agent)
          or exists (select from trust_chains c
            where jsonb_path_query_array(c.chain_data, '$.delegations[*].delegator_id') ? agent) then 'revoked'
        else 'agent_not_found'
      end
    when not exists (select from trust_chains c where c.agent_id = agent) then 'agent_not_found'
    when trust_record_names(root_kind, agent, record) is null then 'record_not_found'
    else 'revoked'
  end;

  if outcome = 'revoked' and root_kind = 'key' then
    insert into trust_revocations (revision, revocation_id, kind, authority_id, record_id, mode, compromised_at, reason,
      revoked_by, request_id, request_hash)
    values (0, request, 'key', authority, record, root_mode, compromised, why, actor, request, hash);
  elsif outcome = 'revoked' then
    if not large then
      select array_agg(c.agent_id), array_agg(c.record_id), array_agg(c.names), array_agg(c.descends_from)
      into agents, records, all_names, delegators
      from trust_revocation_cascade(root_kind, agent, record, most) c;
      large := agents is null;
    end if;
    if large then
      agents := array[agent]; records := array[record]; delegators := array[null];
      all_names := array[to_jsonb(trust_record_names(root_kind, agent, record))];
    end if;
    if exists (
      select from unnest(agents) a join trust_chain_revisions h on h.agent_id = a and h.request_id = request) then
      outcome := 'reused';
    else
      -- First, because trust_chains_standing looks for it.
      if large then
        insert into trust_cascades (revocation_id, kind, agent_id, record_id) values (request, root_kind, agent, record);
      end if;
      insert into trust_revocations (revision, revocation_id, kind, agent_id, record_id, names, mode, descends_from, effective_at,
        reason, revoked_by, request_id, request_hash)
      select 0, request, root_kind, c.agent_id, c.record_id, c.names, root_mode, c.delegator, effective, why, actor, request, hash
      from unnest(agents, records, all_names, delegators) as c (agent_id, record_id, names, delegator)
      order by c.delegator is not null, c.agent_id collate "C", c.record_id collate "C";
      if large then
        insert into trust_cascade_records (revocation_id, agent_id, record_id, names, written)
        values (request, agent, record, all_names[1], true);
      end if;
    end if;
  end if;

  return query
  select * from trust_revocations_answer(outcome, case when outcome in ('revoked', 'replayed') then request end);
end
$$;
