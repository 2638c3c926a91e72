-- How the server revokes, and lifts.

-- Whether a capability covers an action (EATP VERIFY): as capabilityCovers in eatp/rules/capabilityMatch.ts, whose tests
-- hold for both.
create function trust_capability_covers(capability text, action text) returns boolean language sql immutable as $$
  select case
    when strpos(capability, '*') = 0 then capability = action
    when right(capability, 1) = '*' then starts_with(action, left(capability, -1))
    when left(capability, 1) = '*' then right(action, length(capability) - 1) = substr(capability, 2)
    when length(capability) - length(replace(capability, '*', '')) > 1 then false
    else starts_with(action, split_part(capability, '*', 1))
      and right(action, length(split_part(capability, '*', 2))) = split_part(capability, '*', 2)
  end
$$;

-- The capability names of a delegation; none where it is not of our form, which must not keep others from being revoked.
create function trust_delegated_names(delegation jsonb) returns text[] language sql immutable as $$
  select array(select n #>> '{}' from jsonb_path_query(delegation, '$.capabilities_delegated[*]') n)
$$;

-- The capability names that a record stands for; null where the chain has no such record.
create function trust_record_names(kind text, agent text, record text) returns text[] language sql stable as $$
  select case kind
    when 'delegation' then (
      select trust_delegated_names(d) from jsonb_path_query(c.chain_data, '$.delegations[*]') d
      where d ->> 'id' = record limit 1)
    when 'capability' then (
      select array[p ->> 'capability'] from jsonb_path_query(c.chain_data, '$.capabilities[*]') p
      where p ->> 'id' = record limit 1)
  end
  from trust_chains c where c.agent_id = agent
$$;

-- Whether one of some names covers one of some others.
create function trust_names_cover(capabilities text[], names text[]) returns boolean language sql immutable as $$
  select exists (
    select from unnest(capabilities) c, unnest(names) n where trust_capability_covers(c, n))
$$;

-- What is revoked with an agent, delegation or capability: all that was delegated on from it, however far down.
--   of an agent      every agent that it delegated to
--   of a delegation  every delegation by which its delegatee delegated a capability that it covers
--   of a capability  every capability of a delegatee that was delegated by a name that it covers
-- A level of delegatees at a time, however the lines run together: each record is told once, by descent from a delegator of the
-- level that reaches it first.
create function trust_revocation_cascade(root_kind text, root_agent text, root_record text)
returns table (kind text, agent_id text, record_id text, descends_from text)
language plpgsql stable
-- The planner expects a few agents and a small table: it would read all of it for each of thousands.
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  agents text[] := array[root_agent];
  records text[] := array[root_record];
  names jsonb[] := array[to_jsonb(trust_record_names(root_kind, root_agent, root_record))];
  delegators text[] := array[null];
  seen_agents text[] := '{}';
  seen_records text[] := '{}';
begin
  while cardinality(agents) > 0 loop
    return query
      select root_kind, l.agent_id, l.record_id, l.delegator
      from unnest(agents, records, delegators) as l (agent_id, record_id, delegator);
    seen_agents := seen_agents || agents;
    seen_records := seen_records || records;
    select array_agg(n.agent_id), array_agg(n.record_id), array_agg(n.names), array_agg(n.delegator)
    into agents, records, names, delegators
    from (
      select distinct on (b.agent_id, record.id) b.agent_id, record.id as record_id, record.names, l.agent_id as delegator
      from (
        select u.agent_id, array_agg(distinct name) as names
        from unnest(agents, names) as u (agent_id, names) left join lateral jsonb_array_elements_text(u.names) name on true
        group by u.agent_id
      ) l
      join trust_chains b on jsonb_path_query_array(b.chain_data, '$.delegations[*].delegator_id') ? l.agent_id
      join lateral jsonb_path_query(b.chain_data, '$.delegations[*]') delegation on delegation ->> 'delegator_id' = l.agent_id
      cross join lateral (
        select '' as id, null::jsonb as names where root_kind = 'agent'
        union all
        select delegation ->> 'id', to_jsonb(trust_delegated_names(delegation))
        where root_kind = 'delegation' and delegation ->> 'id' <> ''
          and trust_names_cover(l.names, trust_delegated_names(delegation))
        union all
        select c ->> 'id', jsonb_build_array(c -> 'capability')
        from jsonb_path_query(b.chain_data, '$.capabilities[*]') c
        where root_kind = 'capability' and c ->> 'id' <> '' and c ->> 'capability' = any (trust_delegated_names(delegation))
          and trust_names_cover(l.names, array[c ->> 'capability'])
      ) record
      where (b.agent_id, record.id) not in (select * from unnest(seen_agents, seen_records))
      order by b.agent_id, record.id, l.agent_id
    ) n;
  end loop;
end
$$;

-- The one way in which the server revokes: an agent, delegation or capability with all that descends from it, or a key.
-- Under the lock from the first look to the last row, so that nothing is delegated on meanwhile.
--
-- Answers a row per revoked record, the one that was named first; `outcome` is the same in all of them:
--   revoked                                done
--   replayed                               done before under this request
--   reused                                 this request did something else before, or changed one of the chains, or the
--                                          authority, in another way: how they stand would not be told under it
--   past                                   refused: a graceful one takes effect at a moment to come; the row is empty
--   agent_not_found, authority_not_found, record_not_found    refused; the row is empty
-- `head` is the newest revision of what was done: who reads at it sees all of it.
create function trust_revocations_write(
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
  actor text
) returns table (
  outcome text, head bigint, revision bigint, revocation_id uuid, kind text, agent_id text, authority_id text, record_id text,
  mode text, descends_from text, effective_at timestamptz, compromised_at timestamptz, reason text, revoked_at timestamptz,
  revoked_by text, lifted_at timestamptz, lifted_by text
)
language plpgsql volatile
-- A hand-made write that is held open makes other writers fail, not wait for ever; below the server's own 2 s.
set lock_timeout = '1800ms'
-- As of the cascade.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  done text;
  judged text;
  agents text[];
  records text[];
  delegators text[];
begin
  perform trust_chains_lock();
  select r.request_hash into done from trust_revocations r where r.revocation_id = request limit 1;

  judged := case
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
    -- An agent of whom nothing is stored may have delegated all the same.
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

  if judged = 'revoked' and root_kind = 'key' then
    insert into trust_revocations (revision, revocation_id, kind, authority_id, record_id, mode, compromised_at, reason,
      revoked_by, request_id, request_hash)
    values (0, request, 'key', authority, record, root_mode, compromised, why, actor, request, hash);
  elsif judged = 'revoked' then
    select array_agg(c.agent_id), array_agg(c.record_id), array_agg(c.descends_from) into agents, records, delegators
    from trust_revocation_cascade(root_kind, agent, record) c;
    if exists (
      select from unnest(agents) a join trust_chain_revisions h on h.agent_id = a and h.request_id = request) then
      judged := 'reused';
    else
      insert into trust_revocations (revision, revocation_id, kind, agent_id, record_id, mode, descends_from, effective_at,
        reason, revoked_by, request_id, request_hash)
      select 0, request, root_kind, c.agent_id, c.record_id, root_mode, c.delegator, effective, why, actor, request, hash
      from unnest(agents, records, delegators) as c (agent_id, record_id, delegator)
      order by c.delegator is not null, c.agent_id collate "C", c.record_id collate "C";
    end if;
  end if;

  return query select * from trust_revocation_answer(judged, case when judged in ('revoked', 'replayed') then request end);
end
$$;

-- Lifts a suspension: what it suspended is in force again, unless something else revokes it. Answers as
-- trust_revocations_write does, with the outcomes lifted, unchanged (it was lifted before), reused, not_found, not_suspension.
-- What a person lifted of it already stays lifted, and the rest is lifted.
create function trust_revocations_lift(revocation uuid, request uuid, actor text) returns table (
  outcome text, head bigint, revision bigint, revocation_id uuid, kind text, agent_id text, authority_id text, record_id text,
  mode text, descends_from text, effective_at timestamptz, compromised_at timestamptz, reason text, revoked_at timestamptz,
  revoked_by text, lifted_at timestamptz, lifted_by text
)
language plpgsql volatile
set lock_timeout = '1800ms'
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  found_any boolean;
  suspends boolean;
  stands boolean;
  judged text;
begin
  perform trust_chains_lock();
  select count(*) > 0, bool_or(r.mode = 'suspend'), bool_or(r.mode = 'suspend' and r.lifted_at is null)
  into found_any, suspends, stands
  from trust_revocations r where r.revocation_id = revocation;
  judged := case
    when not found_any then 'not_found'
    when not suspends then 'not_suspension'
    when not stands then 'unchanged'
    when exists (
      select from trust_revocations r join trust_chain_revisions h on h.agent_id = r.agent_id and h.request_id = request
      where r.revocation_id = revocation) then 'reused'
    else 'lifted'
  end;
  if judged = 'lifted' then
    update trust_revocations r set lifted_at = now(), lifted_by = actor, request_id = request
    where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null;
  end if;
  return query select * from trust_revocation_answer(judged, case when judged in ('lifted', 'unchanged') then revocation end);
end
$$;

-- A row per record of a revocation, the one that was named first; one empty row where there is none.
create function trust_revocation_answer(judged text, revocation uuid) returns table (
  outcome text, head bigint, revision bigint, revocation_id uuid, kind text, agent_id text, authority_id text, record_id text,
  mode text, descends_from text, effective_at timestamptz, compromised_at timestamptz, reason text, revoked_at timestamptz,
  revoked_by text, lifted_at timestamptz, lifted_by text
)
language sql stable as $$
  select judged, greatest(
      max(r.revision) over (),
      max((select h.revision from trust_chain_revisions h
        where h.agent_id = r.agent_id and h.request_id = r.request_id)) over (),
      max((select h.revision from trust_authority_revisions h
        where h.authority_id = r.authority_id and h.request_id = r.request_id)) over ()),
    r.revision, r.revocation_id, r.kind, r.agent_id, r.authority_id, r.record_id, r.mode, r.descends_from, r.effective_at,
    r.compromised_at, r.reason, r.revoked_at, r.revoked_by, r.lifted_at, r.lifted_by
  from (select) one left join trust_revocations r on r.revocation_id = revocation
  order by r.descends_from is not null, r.agent_id, r.record_id
$$;
