--
-- PostgreSQL database dump
--

\restrict YUQCuktJXKpnYAX2FbEOOknOIsX8vXyDHOhzLO5b4Zg1FLoJKZ1JfAoN9SK3wZF

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: trust_authority_written; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.trust_authority_written AS (
	outcome text,
	revision bigint,
	authority_id text,
	authority_data jsonb,
	is_active boolean,
	created_at timestamp with time zone,
	updated_at timestamp with time zone,
	updated_by text
);


--
-- Name: trust_chain_write; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.trust_chain_write AS (
	operation text,
	agent_id text,
	request_id uuid,
	actor text,
	expected_revision bigint,
	authority_id text,
	chain_bytes integer,
	chain_hash text,
	content_hash text,
	expires_at timestamp with time zone,
	signature_status text,
	depends jsonb
);


--
-- Name: trust_chain_written; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.trust_chain_written AS (
	"position" bigint,
	outcome text,
	operation text,
	revision bigint,
	agent_id text,
	authority_id text,
	chain_hash text,
	content_hash text,
	status text,
	is_active boolean,
	signature_status text,
	created_at timestamp with time zone,
	updated_at timestamp with time zone,
	expires_at timestamp with time zone,
	updated_by text,
	revokes_at timestamp with time zone,
	culprit text
);


--
-- Name: trust_revocation_written; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.trust_revocation_written AS (
	outcome text,
	head bigint,
	revision bigint,
	revocation_id uuid,
	kind text,
	agent_id text,
	authority_id text,
	record_id text,
	mode text,
	descends_from text,
	effective_at timestamp with time zone,
	compromised_at timestamp with time zone,
	reason text,
	revoked_at timestamp with time zone,
	revoked_by text,
	lifted_at timestamp with time zone,
	lifted_by text
);


--
-- Name: trust_agent_revoked(text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_agent_revoked(agent text, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select exists (
    select from trust_revocations r
    where r.agent_id = agent and r.kind = 'agent' and r.lifted_at is null
      and (r.mode <> 'graceful' or r.effective_at <= at))
$$;


--
-- Name: trust_authorities_keys(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_keys() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if jsonb_typeof(new.authority_data -> 'keys') = 'array'
    and exists (select from trust_revocations r where r.authority_id = new.authority_id) then
    new.authority_data := jsonb_set(new.authority_data, '{keys}',
      coalesce(trust_revoked_keys(new.authority_id, new.authority_data -> 'keys'), '[]'));
  end if;
  return new;
end
$$;


--
-- Name: trust_authorities_record_purged(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_record_purged() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  update trust_authority_revisions set authority_data = null
  where authority_id in (select authority_id from old_rows) and authority_data is not null;
  insert into trust_authority_revisions
  select nextval('trust_revision'), authority_id, 'purged', null, false, created_at, clock_timestamp(),
         'postgres:' || session_user, gen_random_uuid(), ''
  from old_rows;
  return null;
end
$$;


--
-- Name: trust_authorities_record_registered(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_record_registered() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  insert into trust_authority_revisions
  select revision, authority_id, 'registered', authority_data, is_active, created_at, updated_at, updated_by,
         request_id, request_hash
  from new_rows;
  return null;
end
$$;


--
-- Name: trust_authorities_record_updated(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_record_updated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
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
  return null;
end
$$;


--
-- Name: trust_authorities_refuse_cycle(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_refuse_cycle() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if exists (select from new_rows n where trust_authority_is_above(n.authority_id, n.parent_authority_id)) then
    raise exception 'an authority cannot be above itself' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;


--
-- Name: trust_authorities_write(text, text, uuid, text, text, bigint, jsonb, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authorities_write(kind text, id text, request uuid, hash text, actor text, expected bigint, document jsonb, not_after timestamp with time zone) RETURNS SETOF public.trust_authority_written
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1800ms'
    AS $$
declare
  done trust_authority_revisions;
  present trust_authorities;
  parent text := document ->> 'parent_authority_id';
  outcome text;
begin
  perform trust_lock(not_after);
  select * into done from trust_authority_revisions r where r.authority_id = id and r.request_id = request;
  select * into present from trust_authorities a where a.authority_id = id;

  outcome := case
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

  if outcome = 'registered' then
    insert into trust_authorities (authority_id, revision, authority_data, updated_by, request_id, request_hash)
    values (id, 0, document, actor, request, hash);
  elsif outcome = 'updated' then
    update trust_authorities a
    set authority_data = document, updated_by = actor, request_id = request, request_hash = hash
    where a.authority_id = id;
  elsif outcome = 'deactivated' then
    update trust_authorities a
    set is_active = false, updated_by = actor, request_id = request, request_hash = hash
    where a.authority_id = id;
  end if;

  return query
  select outcome, r.*
  from (select) one
  left join lateral (
    select h.revision, h.authority_id, h.authority_data, h.is_active, h.created_at, h.updated_at, h.updated_by
    from trust_authority_revisions h
    where h.authority_id = id and h.request_id = request
      and outcome in ('registered', 'updated', 'deactivated', 'replayed')
    union all
    select a.revision, a.authority_id, a.authority_data, a.is_active, a.created_at, a.updated_at, a.updated_by
    from trust_authorities a
    where a.authority_id = id and outcome not in ('registered', 'updated', 'deactivated', 'replayed')
  ) r on true;
end
$$;


--
-- Name: trust_authority_is_above(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_authority_is_above(ancestor text, authority text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  with recursive above (authority_id) as (
    select authority collate "C"
    union
    select a.parent_authority_id
    from above b join trust_authorities a on a.authority_id = b.authority_id
    where a.parent_authority_id is not null
  )
  select ancestor in (select authority_id from above)
$$;


--
-- Name: trust_capability_covers(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_capability_covers(capability text, action text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (strpos(capability, '*'::text) = 0) THEN (capability = action) WHEN ("right"(capability, 1) = '*'::text) THEN starts_with(action, "left"(capability, '-1'::integer)) WHEN ("left"(capability, 1) = '*'::text) THEN ("right"(action, (length(capability) - 1)) = substr(capability, 2)) WHEN ((length(capability) - length(replace(capability, '*'::text, ''::text))) > 1) THEN false ELSE (starts_with(action, split_part(capability, '*'::text, 1)) AND ("right"(action, length(split_part(capability, '*'::text, 2))) = split_part(capability, '*'::text, 2))) END;


--
-- Name: trust_chain_metadata(jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chain_metadata(chain_data jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
begin
  return (chain_data operator(pg_catalog.#>>) '{genesis,metadata_json}')::pg_catalog.jsonb;
exception when others then
  return null;
end
$$;


--
-- Name: trust_chains_all_or_nothing(jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_all_or_nothing(written jsonb) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  refused jsonb;
begin
  if not exists (
    select from jsonb_array_elements(written) w where w ->> 'outcome' not in ('replayed', 'unchanged')) then return true; end if;
  select jsonb_agg(case when w ->> 'outcome' = 'replayed' then w || '{"outcome": "reused"}' else w end)
  into refused
  from jsonb_array_elements(written) w
  where w ->> 'outcome' not in ('created', 'updated', 'deleted', 'purged', 'unchanged');
  if refused is not null then
    raise exception 'some writes of a batch are refused' using errcode = 'TR001', detail = refused::text;
  end if;
  return true;
end
$$;


--
-- Name: trust_chains_answer(public.trust_chain_write[], text[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_answer(writes public.trust_chain_write[], outcomes text[], at timestamp with time zone) RETURNS SETOF public.trust_chain_written
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  return query
  select w.ordinality, w.outcome, r.*, case when w.outcome = 'delegator_revoked' then trust_revoked_delegator(w.depends, at) end
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
      and w.outcome in ('unchanged', 'reused', 'stale', 'conflict', 'inactive', 'expired', 'delegator_revoked')
  ) r on true
  order by w.ordinality;
end
$$;


--
-- Name: trust_chains_apply(public.trust_chain_write[], text[], text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_apply(writes public.trust_chain_write[], outcomes text[], documents text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  texts text[] := string_to_array(documents, E'\x1f', '');
begin
  -- A document that is cut in two would give each one after it to the wrong agent.
  if cardinality(texts) > cardinality(writes) then
    raise exception 'a document holds the control character that separates documents' using errcode = 'data_exception';
  end if;

  if 'created' = any (outcomes) then
    insert into trust_chains (agent_id, revision, request_id, updated_by, authority_id, chain_data, chain_bytes,
      chain_hash, content_hash, expires_at, signature_status)
    select w.agent_id, 0, w.request_id, w.actor, w.authority_id, w.document::jsonb, w.chain_bytes,
           w.chain_hash, w.content_hash, w.expires_at, w.signature_status
    from unnest(outcomes, texts, writes) as w (outcome, document)
    where w.outcome = 'created';
  end if;

  if 'updated' = any (outcomes) then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor, authority_id = w.authority_id,
        chain_data = w.document::jsonb, chain_bytes = w.chain_bytes, chain_hash = w.chain_hash,
        content_hash = w.content_hash, expires_at = w.expires_at, signature_status = w.signature_status
    from unnest(outcomes, texts, writes) as w (outcome, document)
    where w.outcome = 'updated' and c.agent_id = w.agent_id;
  end if;

  if array['deleted', 'restored'] && outcomes then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor,
        status = case w.outcome when 'deleted' then 'deleted' else 'active' end
    from unnest(outcomes, writes) as w (outcome)
    where w.outcome in ('deleted', 'restored') and c.agent_id = w.agent_id;
  end if;

  if 'purged' = any (outcomes) then
    perform set_config('trust_registry.purges', (
      select jsonb_object_agg(w.agent_id, jsonb_build_array(w.request_id, w.actor))
      from unnest(outcomes, writes) as w (outcome)
      where w.outcome = 'purged')::text, true);
    delete from trust_chains c
    using unnest(outcomes, writes) as w (outcome)
    where w.outcome = 'purged' and c.agent_id = w.agent_id;
    perform set_config('trust_registry.purges', '', true);
  end if;
end
$$;


--
-- Name: trust_chains_judge(public.trust_chain_write[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_judge(writes public.trust_chain_write[], at timestamp with time zone) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
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
            else 'restored'
          end
        when c.agent_id is null then
          case when any_revoked and trust_agent_revoked(w.agent_id, at) then 'revoked' else 'created' end
        when c.status <> 'active' or c.revokes_at <= at then 'inactive'
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


--
-- Name: trust_chains_record_created(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_record_created() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id, 'created', n.authority_id,
         coalesce(
           (select c.chain_data from trust_chains c where c.agent_id = n.agent_id and c.revision = n.revision), n.chain_data),
         n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status, n.created_at, n.updated_at, n.expires_at,
         n.updated_by, n.request_id, n.revokes_at, n.revocations
  from new_rows n;
  return null;
end
$$;


--
-- Name: trust_chains_record_purged(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_record_purged() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  asked jsonb := coalesce(nullif(current_setting('trust_registry.purges', true), ''), '{}');
begin
  update trust_chain_revisions set chain_data = null
  where agent_id in (select agent_id from old_rows) and chain_data is not null;
  insert into trust_chain_revisions
  select nextval('trust_revision'), agent_id, 'purged', authority_id, null, chain_hash, content_hash, 'deleted', false,
         signature_status, created_at, clock_timestamp(), expires_at,
         coalesce(asked -> agent_id ->> 1, 'postgres:' || session_user),
         coalesce((asked -> agent_id ->> 0)::uuid, gen_random_uuid()), revokes_at, revocations
  from old_rows;
  return null;
end
$$;


--
-- Name: trust_chains_record_updated(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_record_updated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_hashjoin TO 'on'
    AS $$
begin
  insert into trust_chain_revisions
  select n.revision, n.agent_id,
         case
           when n.status <> o.status then case n.status when 'active' then 'restored' else n.status end
           -- Not `exists`: for a batch the planner would hash all revocations, whatever enable_seqscan says. With 100,000 of
           -- them each batch took 30 ms more until the table was analyzed.
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
  return null;
end
$$;


--
-- Name: trust_chains_standing(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_standing() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
  standing record;
begin
  -- By hand one sets is_active.
  if tg_op = 'INSERT' then
    if not new.is_active and new.status = 'active' then
      new.status := 'deleted';
    end if;
  elsif new.is_active <> old.is_active and new.status = old.status then
    if old.status = 'revoked' then
      raise exception 'a revoked trust chain stays revoked' using errcode = 'restrict_violation';
    end if;
    new.status := case when new.is_active then 'active' else 'deleted' end;
  end if;

  -- Usually there are none, and aggregating no rows costs as much as the rest of this function.
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
  return new;
end
$$;


--
-- Name: trust_chains_write(public.trust_chain_write[], text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_chains_write(writes public.trust_chain_write[], documents text, at timestamp with time zone, not_after timestamp with time zone) RETURNS SETOF public.trust_chain_written
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1800ms'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
  outcomes text[];
begin
  -- Each statement of a volatile function has its own snapshot, so all that follow see every commit before. A condition in the
  -- same statement as the write would read the snapshot from before the lock and lose updates.
  perform trust_lock(not_after);
  outcomes := trust_chains_judge(writes, at);
  perform trust_chains_apply(writes, outcomes, documents);
  return query select * from trust_chains_answer(writes, outcomes, at);
end
$$;


--
-- Name: trust_delegated_names(jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_delegated_names(delegation jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN ARRAY(SELECT (n.n #>> '{}'::text[]) FROM jsonb_path_query(trust_delegated_names.delegation, '$."capabilities_delegated"[*]'::jsonpath) n(n));


--
-- Name: trust_history_compact(interval, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_history_compact(retention interval, most integer) RETURNS TABLE(moved boolean, removed bigint, oldest bigint)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  before bigint;
begin
  if not pg_try_advisory_xact_lock(7166746355081732687) then return; end if;
  before := (select h.oldest_revision from trust_history h);
  oldest := (
    with next as (
      select r.revision, r.updated_at from trust_chain_revisions r
      where r.revision > before order by r.revision limit most
    )
    select max(n.revision) from next n
    where not exists (
      select from next young
      where young.revision <= n.revision and young.updated_at >= clock_timestamp() - retention)
  );
  moved := oldest is not null;
  removed := 0;
  if moved then
    delete from trust_chain_revisions where revision = any (array(
      select old.revision
      from trust_chain_revisions new
      join trust_chain_revisions old on old.agent_id = new.agent_id and old.revision < new.revision
      where new.revision >= before and new.revision < oldest
      for update of old skip locked));
    get diagnostics removed = row_count;
    insert into trust_compaction (oldest_revision) values (oldest)
    on conflict (one) do update set oldest_revision = excluded.oldest_revision;
  end if;
  oldest := coalesce(oldest, before);
  return next;
end
$$;


--
-- Name: trust_lock(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_lock(not_after timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform pg_advisory_xact_lock(7166746355081732685);
  if clock_timestamp() > not_after then
    raise exception 'the write came too late: its caller was already told that it failed'
      using errcode = 'lock_not_available';
  end if;
end
$$;


--
-- Name: trust_lock_statement(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_lock_statement() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform trust_lock();
  return null;
end
$$;


--
-- Name: trust_names_cover(text[], text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_names_cover(capabilities text[], names text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (EXISTS (SELECT FROM unnest(trust_names_cover.capabilities) c(c), unnest(trust_names_cover.names) n(n) WHERE public.trust_capability_covers(c.c, n.n)));


--
-- Name: trust_notify(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_notify() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  perform pg_notify('trust_revisions', '');
  return null;
end
$$;


--
-- Name: trust_record_names(text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_record_names(kind text, agent text, record text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $_$
  select case kind
    when 'delegation' then (
      select trust_delegated_names(d) from jsonb_path_query(c.chain_data, '$.delegations[*]') d
      where d ->> 'id' = record limit 1)
    when 'capability' then (
      select array[p ->> 'capability'] from jsonb_path_query(c.chain_data, '$.capabilities[*]') p
      where p ->> 'id' = record limit 1)
  end
  from trust_chains c where c.agent_id = agent
$_$;


--
-- Name: trust_refuse_new_id(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_refuse_new_id() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  raise exception 'the id of a row in % cannot change', tg_table_name using errcode = 'restrict_violation';
end
$$;


--
-- Name: trust_refuse_truncate(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  raise exception '% cannot be truncated: delete its rows one by one, so that the history records it', tg_table_name
    using errcode = 'restrict_violation';
end
$$;


--
-- Name: trust_refuse_unrevoke(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_refuse_unrevoke() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  raise exception 'revocations are kept: set lifted_at to lift a suspension; nothing undoes the others'
    using errcode = 'restrict_violation';
end
$$;


--
-- Name: trust_revocation_cascade(text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocation_cascade(root_kind text, root_agent text, root_record text) RETURNS TABLE(kind text, agent_id text, record_id text, descends_from text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
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
$_$;


--
-- Name: trust_revocations_answer(text, uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocations_answer(outcome text, revocation uuid) RETURNS SETOF public.trust_revocation_written
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select outcome, greatest(
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


--
-- Name: trust_revocations_apply(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocations_apply() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
  return null;
end
$$;


--
-- Name: trust_revocations_assign(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocations_assign() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  if tg_op = 'UPDATE' then
    if old.mode <> 'suspend' or old.lifted_at is not null or new.lifted_at is null
      or (new.revocation_id, new.kind, new.agent_id, new.authority_id, new.record_id, new.mode, new.descends_from,
          new.reason, new.revoked_by)
        is distinct from (old.revocation_id, old.kind, old.agent_id, old.authority_id, old.record_id, old.mode,
          old.descends_from, old.reason, old.revoked_by)
    then
      raise exception 'a revocation cannot be changed; only a suspension can be lifted, once'
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


--
-- Name: trust_revocations_lift(uuid, uuid, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocations_lift(revocation uuid, request uuid, actor text, not_after timestamp with time zone) RETURNS SETOF public.trust_revocation_written
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1800ms'
    SET enable_seqscan TO 'off'
    AS $$
declare
  found_any boolean;
  suspends boolean;
  stands boolean;
  outcome text;
begin
  perform trust_lock(not_after);
  select count(*) > 0, bool_or(r.mode = 'suspend'), bool_or(r.mode = 'suspend' and r.lifted_at is null)
  into found_any, suspends, stands
  from trust_revocations r where r.revocation_id = revocation;
  outcome := case
    when not found_any then 'not_found'
    when not suspends then 'not_suspension'
    when not stands then 'unchanged'
    when exists (
      select from trust_revocations r join trust_chain_revisions h on h.agent_id = r.agent_id and h.request_id = request
      where r.revocation_id = revocation) then 'reused'
    else 'lifted'
  end;
  if outcome = 'lifted' then
    update trust_revocations r set lifted_at = now(), lifted_by = actor, request_id = request
    where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null;
  end if;
  return query
  select * from trust_revocations_answer(outcome, case when outcome in ('lifted', 'unchanged') then revocation end);
end
$$;


--
-- Name: trust_revocations_write(text, text, text, text, text, timestamp with time zone, timestamp with time zone, text, uuid, text, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revocations_write(root_kind text, agent text, authority text, record text, root_mode text, effective timestamp with time zone, compromised timestamp with time zone, why text, request uuid, hash text, actor text, not_after timestamp with time zone) RETURNS SETOF public.trust_revocation_written
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    SET lock_timeout TO '1800ms'
    SET enable_seqscan TO 'off'
    AS $_$
declare
  done text;
  outcome text;
  agents text[];
  records text[];
  delegators text[];
begin
  perform trust_lock(not_after);
  select r.request_hash into done from trust_revocations r where r.revocation_id = request limit 1;

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
    select array_agg(c.agent_id), array_agg(c.record_id), array_agg(c.descends_from) into agents, records, delegators
    from trust_revocation_cascade(root_kind, agent, record) c;
    if exists (
      select from unnest(agents) a join trust_chain_revisions h on h.agent_id = a and h.request_id = request) then
      outcome := 'reused';
    else
      insert into trust_revocations (revision, revocation_id, kind, agent_id, record_id, mode, descends_from, effective_at,
        reason, revoked_by, request_id, request_hash)
      select 0, request, root_kind, c.agent_id, c.record_id, root_mode, c.delegator, effective, why, actor, request, hash
      from unnest(agents, records, delegators) as c (agent_id, record_id, delegator)
      order by c.delegator is not null, c.agent_id collate "C", c.record_id collate "C";
    end if;
  end if;

  return query
  select * from trust_revocations_answer(outcome, case when outcome in ('revoked', 'replayed') then request end);
end
$_$;


--
-- Name: trust_revoked_delegator(jsonb, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revoked_delegator(depends jsonb, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
  select agent_id from jsonb_object_keys(depends -> 'chains') as d (agent_id)
  where trust_agent_revoked(agent_id, at)
  order by agent_id limit 1
$$;


--
-- Name: trust_revoked_keys(text, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_revoked_keys(authority text, keys jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
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


--
-- Name: trust_stamp(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_stamp() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  new.updated_at := clock_timestamp();
  if tg_op = 'INSERT' then
    new.created_at := new.updated_at;
    if new.updated_by = '' then
      new.updated_by := 'postgres:' || session_user;
    end if;
  else
    new.created_at := old.created_at;
    if new.request_id = old.request_id then
      new.request_id := gen_random_uuid();
      new.updated_by := 'postgres:' || session_user;
    end if;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;


--
-- Name: trust_time_text(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.trust_time_text(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN (at IS NOT NULL) THEN to_char((LEAST(GREATEST(at, '0001-01-01 00:00:00+00'::timestamp with time zone), '9999-12-31 23:59:59.999999+00'::timestamp with time zone) AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text) ELSE NULL::text END;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: trust_authorities; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_authorities (
    authority_id text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    authority_data jsonb NOT NULL,
    parent_authority_id text GENERATED ALWAYS AS ((authority_data ->> 'parent_authority_id'::text)) STORED COLLATE pg_catalog."C",
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_by text DEFAULT ''::text NOT NULL,
    request_id uuid DEFAULT gen_random_uuid() NOT NULL,
    request_hash text DEFAULT ''::text NOT NULL,
    CONSTRAINT trust_authorities_authority_id_check CHECK (((octet_length(authority_id) >= 1) AND (octet_length(authority_id) <= 512))),
    CONSTRAINT trust_authorities_id CHECK ((NOT ((authority_data ->> 'id'::text) IS DISTINCT FROM authority_id)))
);


--
-- Name: trust_authority_revisions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_authority_revisions (
    revision bigint NOT NULL,
    authority_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL,
    authority_data jsonb,
    is_active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    request_id uuid NOT NULL,
    request_hash text NOT NULL,
    CONSTRAINT trust_authority_revisions_operation_check CHECK ((operation = ANY (ARRAY['registered'::text, 'updated'::text, 'keys_changed'::text, 'deactivated'::text, 'reactivated'::text, 'purged'::text])))
);


--
-- Name: trust_chain_revisions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_chain_revisions (
    revision bigint NOT NULL,
    agent_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL,
    authority_id text NOT NULL,
    chain_data jsonb,
    chain_hash text NOT NULL,
    content_hash text NOT NULL,
    status text NOT NULL,
    is_active boolean NOT NULL,
    signature_status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    updated_by text NOT NULL,
    request_id uuid NOT NULL,
    revokes_at timestamp with time zone,
    revocations jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT trust_chain_revisions_operation_check CHECK ((operation = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text, 'restored'::text, 'suspended'::text, 'revoked'::text, 'purged'::text, 'revocations_changed'::text])))
);


--
-- Name: trust_chains; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_chains (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    authority_id text NOT NULL,
    chain_data jsonb NOT NULL,
    chain_bytes integer NOT NULL,
    chain_hash text NOT NULL,
    content_hash text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    signature_status text DEFAULT 'unverified'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    updated_by text DEFAULT ''::text NOT NULL,
    request_id uuid DEFAULT gen_random_uuid() NOT NULL,
    revokes_at timestamp with time zone,
    revocations jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT trust_chains_agent_id_check CHECK (((octet_length(agent_id) >= 1) AND (octet_length(agent_id) <= 512))),
    CONSTRAINT trust_chains_check CHECK ((is_active = (status = 'active'::text))),
    CONSTRAINT trust_chains_signature_status_check CHECK ((signature_status = ANY (ARRAY['unverified'::text, 'verified'::text]))),
    CONSTRAINT trust_chains_status_check CHECK ((status = ANY (ARRAY['active'::text, 'deleted'::text, 'suspended'::text, 'revoked'::text])))
);


--
-- Name: trust_compaction; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_compaction (
    one boolean DEFAULT true NOT NULL,
    oldest_revision bigint NOT NULL,
    CONSTRAINT trust_compaction_one_check CHECK (one)
);


--
-- Name: trust_history; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.trust_history AS
 SELECT COALESCE(max(trust_compaction.oldest_revision), (1)::bigint) AS oldest_revision
   FROM public.trust_compaction;


--
-- Name: trust_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_migrations (
    name text NOT NULL,
    version integer NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: trust_revision; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.trust_revision
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: trust_revocations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trust_revocations (
    revision bigint NOT NULL,
    revocation_id uuid NOT NULL,
    kind text NOT NULL,
    agent_id text COLLATE pg_catalog."C",
    authority_id text COLLATE pg_catalog."C",
    record_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    mode text NOT NULL,
    descends_from text COLLATE pg_catalog."C",
    effective_at timestamp with time zone,
    compromised_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    revoked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    revoked_by text DEFAULT ''::text NOT NULL,
    lifted_at timestamp with time zone,
    lifted_by text,
    request_id uuid DEFAULT gen_random_uuid() NOT NULL,
    request_hash text DEFAULT ''::text NOT NULL,
    CONSTRAINT trust_revocations_check CHECK ((((kind = 'key'::text) = (authority_id IS NOT NULL)) AND ((kind = 'key'::text) = (agent_id IS NULL)))),
    CONSTRAINT trust_revocations_check1 CHECK (((kind = 'agent'::text) = (record_id = ''::text))),
    CONSTRAINT trust_revocations_check2 CHECK (((kind <> 'key'::text) OR (mode = 'immediate'::text))),
    CONSTRAINT trust_revocations_check3 CHECK (((mode <> 'graceful'::text) OR (effective_at IS NOT NULL))),
    CONSTRAINT trust_revocations_check4 CHECK (((compromised_at IS NULL) OR (kind = 'key'::text))),
    CONSTRAINT trust_revocations_kind_check CHECK ((kind = ANY (ARRAY['agent'::text, 'delegation'::text, 'capability'::text, 'key'::text]))),
    CONSTRAINT trust_revocations_mode_check CHECK ((mode = ANY (ARRAY['immediate'::text, 'graceful'::text, 'suspend'::text])))
);


--
-- Data for Name: trust_authorities; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_authorities (authority_id, revision, authority_data, is_active, created_at, updated_at, updated_by, request_id, request_hash) FROM stdin;
org-a	31	{"id": "org-a", "keys": [{"key_id": "1", "not_after": "2026-11-28T21:24:02.983Z", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}, {"key_id": "2", "not_before": "2026-11-28T21:24:02.983Z", "public_key": "Tk9H3lYqEuyJatn/oL5wBYDHcQJnjH49gsJz+j7hfCQ=", "revoked_at": "2026-11-28T21:24:03.020305Z", "compromised_at": "2026-01-01T00:00:00.000000Z"}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}	t	2026-11-28 21:24:01.960446+00	2026-11-28 21:24:03.021066+00	peer:127.0.0.1	14741e55-c95d-469a-a980-d3de5c8bac42	d5267e07354bc6ef74ab17ddf9438fed6569c467e8603aae7ee0761fdb118383
org-child	32	{"id": "org-child", "keys": [{"key_id": "1", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION", "parent_authority_id": "org-a"}	t	2026-11-28 21:24:03.040279+00	2026-11-28 21:24:03.040279+00	peer:127.0.0.1	7d8d8a49-9b41-430f-9230-d44d6605c6ff	b4acc25fbe8c444a6ccc20ebe19a08ee995d1882ec4e6df63991e9fb5f2602cb
\.


--
-- Data for Name: trust_authority_revisions; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_authority_revisions (revision, authority_id, operation, authority_data, is_active, created_at, updated_at, updated_by, request_id, request_hash) FROM stdin;
1	org-a	registered	{"id": "org-a", "keys": [{"key_id": "1", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}	t	2026-11-28 21:24:01.960446+00	2026-11-28 21:24:01.960446+00	peer:127.0.0.1	1fe16489-de86-4746-ac25-8d2fb937f6b4	3feced4724faeafedcf958cf264de216c3750a3ed50b3e8bfcf6f5d29896eb8b
29	org-a	keys_changed	{"id": "org-a", "keys": [{"key_id": "1", "not_after": "2026-11-28T21:24:02.983Z", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}, {"key_id": "2", "not_before": "2026-11-28T21:24:02.983Z", "public_key": "Tk9H3lYqEuyJatn/oL5wBYDHcQJnjH49gsJz+j7hfCQ="}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}	t	2026-11-28 21:24:01.960446+00	2026-11-28 21:24:02.990634+00	peer:127.0.0.1	d160c727-d44f-4d0b-9de3-105465535015	8843dd8f3d3f0bb2b2326b457156dd618a8606c9856ac078fbe4e2c120e24d46
31	org-a	keys_changed	{"id": "org-a", "keys": [{"key_id": "1", "not_after": "2026-11-28T21:24:02.983Z", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}, {"key_id": "2", "not_before": "2026-11-28T21:24:02.983Z", "public_key": "Tk9H3lYqEuyJatn/oL5wBYDHcQJnjH49gsJz+j7hfCQ=", "revoked_at": "2026-11-28T21:24:03.020305Z", "compromised_at": "2026-01-01T00:00:00.000000Z"}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}	t	2026-11-28 21:24:01.960446+00	2026-11-28 21:24:03.021066+00	peer:127.0.0.1	14741e55-c95d-469a-a980-d3de5c8bac42	d5267e07354bc6ef74ab17ddf9438fed6569c467e8603aae7ee0761fdb118383
32	org-child	registered	{"id": "org-child", "keys": [{"key_id": "1", "public_key": "2E+I/4curNOB3zUVbgpBvmwkMtVLFKOftJ4rJ5yhP14="}], "name": "A", "authority_type": "AUTHORITY_TYPE_ORGANIZATION", "parent_authority_id": "org-a"}	t	2026-11-28 21:24:03.040279+00	2026-11-28 21:24:03.040279+00	peer:127.0.0.1	7d8d8a49-9b41-430f-9230-d44d6605c6ff	b4acc25fbe8c444a6ccc20ebe19a08ee995d1882ec4e6df63991e9fb5f2602cb
\.


--
-- Data for Name: trust_chain_revisions; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_chain_revisions (revision, agent_id, operation, authority_id, chain_data, chain_hash, content_hash, status, is_active, signature_status, created_at, updated_at, expires_at, updated_by, request_id, revokes_at, revocations) FROM stdin;
2	root	created	org-a	{"genesis": {"id": "gen-1", "agent_id": "root", "signature": "ZsKiEu9Fxf82SyU4j1e+3fh8zLRoFDVWfujRbDj38h/b+Ub5h/LIVlDPnwcgaqcp8GNYXewsVJhj1eFN/QweCg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-2", "signature": "mKwZGWptH72bSbk10gM2+N0iTG3O1+1HxCBWHf9WP7bX5PTTY+KRd6ys2kvfhdwWTA/j8eQKg66LbDQKcKpQAQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-3", "agent_id": "root", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "zf3Js3E5GoNTIRADO/JHUUZRQ4ek9DzdUrdr4QJwEwCxRdOLhXWbILd9dtkxuMUGRuzjDVOwPaohHhZ3bFg9AQ=="}	0ece36a7fdf05a7d0dbaf8112c0da28719f61a8f9cbebca4f9c2c27ee04d9cd8	6597347763703d3250223f3acac9ce7875cc8000d8528c0bd2a292340e5f0927	active	t	verified	2026-11-28 21:24:02.086562+00	2026-11-28 21:24:02.086562+00	\N	peer:127.0.0.1	0b8ad4e5-6c5e-4d3f-9d3e-000000000001	\N	[]
3	mid	created	org-a	{"genesis": {"id": "gen-5", "agent_id": "mid", "signature": "4tc6xKAPG7dsfdMmVzzTVZ6PmPgXynxLJ3bGnWrzAErLC8ZzaEY6kxV5TXGz+x31dwP9TknxZcOnEjp+EGFsDA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "metadata_json": "{\\"derived_from\\":\\"root\\",\\"delegation_id\\":\\"del-4\\"}", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "delegations": [{"id": "del-4", "task_id": "task-1", "signature": "vZTTZeVw3QMuwuOggJbWaCGtlvl8MdaQyh3zMfp6BGc3XIDOVYDXcx3d/mj4vwqd0GN/zSeJi3kkzUgGhecLCA==", "delegated_at": "2026-11-28T21:24:01.558000+00:00", "delegatee_id": "mid", "delegator_id": "root", "delegation_chain": ["root", "mid"], "delegation_depth": "1", "capabilities_delegated": ["read_data"], "signing_payload_version": "legacy-python-v0"}], "capabilities": [{"id": "cap-6", "signature": "56OQLvpgpTKWjdedLH8I92+Obe69dOlTvMgbvWnOnxv1uBzbYdPSfkRZOMn/Vm4VQURCpVleg3oEbW63mxstBQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-7", "agent_id": "mid", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "lw1kKxOTKTkNlb2Z17LYFdPCsiJg/M1FU5z22BGrCLSJ7ZyO00vSr0DJeBky2zsJUQ+evrjFW+KKc26kVCBGBg=="}	66b1c2bb9495cb7892100136f72b269c65da5472b915d4f5d5df24240ab4ec6e	2ce9d8fbebed7866fb8fcb716f6555991be4c35c281dbd57d2969ca5377ecb00	active	t	verified	2026-11-28 21:24:02.162784+00	2026-11-28 21:24:02.162784+00	\N	peer:127.0.0.1	bfdb4178-3da9-4a17-967b-ab1fafebf6d6	\N	[]
4	leaf	created	org-a	{"genesis": {"id": "gen-9", "agent_id": "leaf", "signature": "HIM6yhxGN0ibVDla+VBkTjakhy8CUYvfCNui6UWtiHy9dRiw3w/c1Wd+pAGtIDXK5sDl1LES0ecj6hg5jhuJAQ==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "metadata_json": "{\\"derived_from\\":\\"mid\\",\\"delegation_id\\":\\"del-8\\"}", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "delegations": [{"id": "del-8", "task_id": "task-1", "signature": "V+1dTgLHV1E0zjo5ROSggKoW8enTADMyMuri42R5xQNjhLE99jZA6rShcjwo4/uIXQT/qW8haNWNBZIJbeQ+DQ==", "delegated_at": "2026-11-28T21:24:01.558000+00:00", "delegatee_id": "leaf", "delegator_id": "mid", "delegation_chain": ["root", "mid", "leaf"], "delegation_depth": "2", "capabilities_delegated": ["read_data"], "signing_payload_version": "legacy-python-v0"}], "capabilities": [{"id": "cap-10", "signature": "hHr8y4Mj/04k6OaUonN0Nqv97MOw42VYiy3fRnhHaq4g9y4XEknk4XN9muryMdnNtTe72YXcbgMRVCoY55tACQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-11", "agent_id": "leaf", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "/DVok9DXrlMhmYQE7AliYRX3ZwfPDuaN7nZpXwYg9MTC2MGr+hwrv/EnyI6INsjbmXz/DxURqSCtrVgnPJn4Aw=="}	c8977470c83c92f1d2f92930f925ae4a2f517e16fec74c87084e0e46b05179dc	207508acf4cd7e8a4a6297b552855920ab4ca3ce411f711439f6bbbd4599bb47	active	t	verified	2026-11-28 21:24:02.199766+00	2026-11-28 21:24:02.199766+00	\N	peer:127.0.0.1	e77bbae0-c5c2-4d05-8844-c558f281db96	\N	[]
5	updated	created	org-a	{"genesis": {"id": "gen-12", "agent_id": "updated", "signature": "9OjHryOs+ZPCu0DJJzjaiB1FFACfBFRWzWyNt+es0vuBCsEOM2a+kZ9UGazy2p72oO5FO41P1QSPnFHQuvvHCw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-13", "signature": "1+/0lQiw3qKlhrhSJYe5rUpOEIrwhU/kueAELbz3KA50IqyG3l5xhFy/vIkigm/yIzWq9zN2vCP/Yw33ctkYDA==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-14", "agent_id": "updated", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "ZETJ9SIJ7vvFODzOSJVzZ2VnzlEcmnvgPvOWiF3zvQLWQ+xWB+N86SQkdBhA8smprpNpunUi1QOL+o1hEDC+Cg=="}	f6535c62a501ae4161eb213d90d7cf000ba7abdf8811d2efb33f69e2a2b66414	17d8248fb2a1f06cc25e60dcaa7057a58bf244545d997bc9f3cab97c22e12480	active	t	verified	2026-11-28 21:24:02.216251+00	2026-11-28 21:24:02.216251+00	\N	peer:127.0.0.1	6c1a0fef-6154-4eec-a193-3e6828cf9b53	\N	[]
6	deleted	created	org-a	{"genesis": {"id": "gen-15", "agent_id": "deleted", "signature": "THaUaHSvm/Rk0RyzL48j1H3dwr6d/iWK15k9DAzKXJ8lS7LiX9rsn6w/SCwiL9RTqm3WNDNN0uUpOQf/yzJXCg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-16", "signature": "d1XeI/JBcLxiAwCLqG1jPpTdzhfcR3Nshk2XC+N998ZLMT/djqEWIrqm/9l0tdZ5zLYetpSi+iEQc01ICLbMDw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-17", "agent_id": "deleted", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "UAwQCNxyi2n1M8NwK7RkoqaG2vOW4EsN1HwRc3RKgNIBzOBMOQFIuSZVlW6+Og9bYcaXMcglmV5ytOCYEaP1DA=="}	67707a3b92c2e6b8b11053fc4b0465ac4a10e75835eea397588387c0768d9abf	2966d13fdb3e7857a47ed34d273488397e5e004e58cd541b1c37c493eee1e303	active	t	verified	2026-11-28 21:24:02.242277+00	2026-11-28 21:24:02.242277+00	\N	peer:127.0.0.1	11b19519-e1a3-44aa-9ede-a276f8c1c4cc	\N	[]
7	suspended	created	org-a	{"genesis": {"id": "gen-18", "agent_id": "suspended", "signature": "jfbv9cR0XScFI48T3wLVRu9s4tOkHd9Br39O5A3uA+O5nzNkeXgnAdCmyA8BOhZXJKDXe93ijYxzasDfHHzwDA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-19", "signature": "H69+jLBdtj+gJ0ug+FkDYANr2xnq3bOgjXUX4DrYLJf57veacmu302VEsd+Uz6sA52CRKIKRdaXOKeq86XpVBg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-20", "agent_id": "suspended", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "+P5K9VAHKve0qVD5Ccgcd3+2nuyxI0uLrJd2VhrCj+JgIyF1mbs2AP7M/ciNWqyQwYvbJgehk9gSiBursVQ6Cw=="}	761ec4669cbccb36c5baa421dc1a91d0c6d6bdc8b1a954cc9e935974ff87d1b4	303debd8b28160a562077fc6f43bcb67b4e14237404fbc30008ef65795b7a956	active	t	verified	2026-11-28 21:24:02.276921+00	2026-11-28 21:24:02.276921+00	\N	peer:127.0.0.1	7af939df-d10a-483f-a829-cf373cc2a8fd	\N	[]
8	resumed	created	org-a	{"genesis": {"id": "gen-21", "agent_id": "resumed", "signature": "rJm0g/gpx9EgkVG2WfYauyrq5G0v80gf3tb6gppQ4DsH0dQXbRGihc5XsVcnnFRSaipPr2nd4qrT2rXVYFGrBg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-22", "signature": "UsLHVXSKS+Fq7wL6UANWquhOUt+dwomClc6gR0SPrXh9SmaxVRMPwGIFPKrPP+BdXAhcZx77lUNSmw7ud2dLAg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-23", "agent_id": "resumed", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "VTltyHAlCGshqZgttKgx4vihFORJRTAL6rr+XMcrO4zPG9f4mDwN/V7w2SoOcssEmISM09dQmL+0StvgVoJSBQ=="}	fb852996e4733c237aab2140a080ea1275f6183a6df767c0c278c9fb7bf3bfc4	86d5fa14ecff7022eb5d0fa1db4229f11ca32db606953c460dd965ddaecc6b04	active	t	verified	2026-11-28 21:24:02.310185+00	2026-11-28 21:24:02.310185+00	\N	peer:127.0.0.1	bf13e87b-5d99-4aff-b8a9-f665a0d206e1	\N	[]
9	revoked	created	org-a	{"genesis": {"id": "gen-24", "agent_id": "revoked", "signature": "QseU1+uh70sQF4fiQBiamSrDCzqmPafHMROo3cdygSj3ImzhE9zvoxyfEVoliZs6WIMLUcPy2ACNp33ItJwrCw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-25", "signature": "7fiKzbz2jeqOZzxAA1KB9szq3Ml88+84MbT6ynVu42jvoOu5OSGJgJLBr8JWHp/swksZXVj6niZsIY5A/S0HDg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-26", "agent_id": "revoked", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "T449ld45pVv9YpggYqKj5VS4mCauj2foFPMK9TuHBB9Zn7Rw8Br5exgQB/HsMyEole88LcQg+mV+0DAxIK2YDg=="}	90f37603b1adbb0925ecd4946686dd7b48448177906227bc50fa00e42e027dad	22efbb92720c55c41f365a6b89e83e577a520fc1bfbdd1b82fcb410309dd0687	active	t	verified	2026-11-28 21:24:02.346357+00	2026-11-28 21:24:02.346357+00	\N	peer:127.0.0.1	6dd3cb20-9d75-457d-ad42-67288e8afc70	\N	[]
10	restored	created	org-a	{"genesis": {"id": "gen-27", "agent_id": "restored", "signature": "K/G245x9NJR3DshycWC5xqQW5T2b6T+ArtGwuv8Fd6wj8CLtvJ6t46RBGVD6asDQeEo1ahnRi1ZUsflonZQ8Bw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-28", "signature": "+TNs8eTcnyYNnQhTP3xaW/GpqKOQEojWLAv3vhlBgsWN0sSNkwIMLALX3+ddAXik8lPUmdoYusE8FknLWpyFAw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-29", "agent_id": "restored", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "uSItG6gQ0wQMCbCbPGUTQRSi6EO1GAbjT6l1AmgLMzPkc4CXH47v0Kl3e3JxzeIdNGeabaWH3GbGz5Br6SWCBw=="}	aced869f58af091520a940f8007648eb04d0bbe7cec96680f9b283c31dea0b39	3932821e7df6d004351f9046b940e023ef04c5472e8a5d5b51e8588b998a8780	active	t	verified	2026-11-28 21:24:02.369493+00	2026-11-28 21:24:02.369493+00	\N	peer:127.0.0.1	ce24587a-f4e4-4e0e-afb0-179c38850bd5	\N	[]
11	leaving	created	org-a	{"genesis": {"id": "gen-30", "agent_id": "leaving", "signature": "4Ry/lF40QYBjvqxqWjTKNDcjcBQszRacPXev3FE6IGEm6hYzNeJnI046zxgjNdjxI7I0sqY08v+AezrVqqy4AQ==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-31", "signature": "Oodtpifog/sdhzWaI5nuuweCQQVtm2aU4L9zFV/ttrM90wYcEulhltfb3oHJEsL9eHKMTh0MKL1MVApbLRQRAQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-32", "agent_id": "leaving", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "v2npffxhlWuMoP9fWAbzrZy4+QTLhxMMYeJHUvuBSGvqY3MYLwNFZKkxjt552GruxkH54mjL1AfvPUHWd0kyDw=="}	fe60ebe9769bca9cc232928bc299c17765b2cf082e114626e2f8e01c88f16a52	ea034abf887054f43e973fa2fc60446c12480c729a2d7b439e16c5d284395bc1	active	t	verified	2026-11-28 21:24:02.421776+00	2026-11-28 21:24:02.421776+00	\N	peer:127.0.0.1	52f31cb1-de1a-4828-90ec-056a0783de09	\N	[]
12	by-hand	created	org-a	{"genesis": {"id": "gen-33", "agent_id": "by-hand", "signature": "lF7ulDo5rJWi+aGE5qLPwp+a5gTTQkyCTbhoiN1MqYCEBHbh8mR0ezMbpdazWsf1+tm2o4ZZOdVwgHWdQ+KeCA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-34", "signature": "e3IYgqMtYARYyYNMkibDb9DTQZmClUBmX3WLXAuI1KvfBUSBWuZwzVh3O0llFKwyBVonpuYW2MLnzDNFrfjSBw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-35", "agent_id": "by-hand", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "9rh9h9Tmjtr68dFalD03Hi6UFvJ2aXaGO1mThK/5B2wVdiYrMTA8T1tl9qop24kchz8N2C8E9OyAmN0SE6jBBg=="}	eeebaebb931d4e8cbfb70e4941aa06b31721cdc791970232675898b7050935d3	a74a36e04df0a6dc7869343afaf95876887ff4413850b41ddf0f2cba28954d9b	active	t	verified	2026-11-28 21:24:02.442074+00	2026-11-28 21:24:02.442074+00	\N	peer:127.0.0.1	eb32062b-60f9-4f43-af40-35dd727ddd41	\N	[]
14	updated	updated	org-a	{"genesis": {"id": "gen-39", "agent_id": "updated", "signature": "frZ4qbSGWIsYc3wiuEh8dtXTSDHmro+rhuE9jfBUV63tTbdRdbweJglbMlvdVOQmO0CzCyOh0Lf6RW7LArbtBw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-40", "signature": "WCEm9rn/R1kDuBgY3caJKY2klxiCS0fPzAeLWVUCmyACNH6LgBXTe3qubcLwXzfF03oQlyMVs1yWUQrnvPHQBA==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-41", "agent_id": "updated", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "ZqyMEaQV5ggo69GmlHyM8xVY16o924Sjaj18p9ePIXDLgrcFKAr7vaxX7qcwrLo6RNS2igxakHoVDjB/Pfc+AQ=="}	3bdfaa4b516bf86147414bde0b754bbf661b406349651989a69946d8fdd19b50	4ef5bdc48ac2079941e3e48082568ef30713d533167e60c111cb23a065d1ba0e	active	t	verified	2026-11-28 21:24:02.216251+00	2026-11-28 21:24:02.504994+00	\N	peer:127.0.0.1	5c325d97-89b1-49e6-9738-5de0dcfa43e1	\N	[]
15	deleted	deleted	org-a	{"genesis": {"id": "gen-15", "agent_id": "deleted", "signature": "THaUaHSvm/Rk0RyzL48j1H3dwr6d/iWK15k9DAzKXJ8lS7LiX9rsn6w/SCwiL9RTqm3WNDNN0uUpOQf/yzJXCg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-16", "signature": "d1XeI/JBcLxiAwCLqG1jPpTdzhfcR3Nshk2XC+N998ZLMT/djqEWIrqm/9l0tdZ5zLYetpSi+iEQc01ICLbMDw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-17", "agent_id": "deleted", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "UAwQCNxyi2n1M8NwK7RkoqaG2vOW4EsN1HwRc3RKgNIBzOBMOQFIuSZVlW6+Og9bYcaXMcglmV5ytOCYEaP1DA=="}	67707a3b92c2e6b8b11053fc4b0465ac4a10e75835eea397588387c0768d9abf	2966d13fdb3e7857a47ed34d273488397e5e004e58cd541b1c37c493eee1e303	deleted	f	verified	2026-11-28 21:24:02.242277+00	2026-11-28 21:24:02.525996+00	\N	peer:127.0.0.1	d87572a2-48c1-47b0-ba14-77dce0d7d552	\N	[]
13	purged	created	org-a	\N	10078708080994b4a9c247514c5ea3673dbc75c7cf62323622c7eb2263c75683	6d1f4df2b33824cd3240ebfb2d672b7550a86d4b73da8fa41f1acde5e44f1dfe	active	t	verified	2026-11-28 21:24:02.468465+00	2026-11-28 21:24:02.468465+00	\N	peer:127.0.0.1	e0571b9c-7f3d-4dc3-bde1-07a989c0be36	\N	[]
16	purged	purged	org-a	\N	10078708080994b4a9c247514c5ea3673dbc75c7cf62323622c7eb2263c75683	6d1f4df2b33824cd3240ebfb2d672b7550a86d4b73da8fa41f1acde5e44f1dfe	deleted	f	verified	2026-11-28 21:24:02.468465+00	2026-11-28 21:24:02.541902+00	\N	peer:127.0.0.1	481fd42c-14f2-4c33-926c-256b8e5f8a62	\N	[]
17	restored	deleted	org-a	{"genesis": {"id": "gen-27", "agent_id": "restored", "signature": "K/G245x9NJR3DshycWC5xqQW5T2b6T+ArtGwuv8Fd6wj8CLtvJ6t46RBGVD6asDQeEo1ahnRi1ZUsflonZQ8Bw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-28", "signature": "+TNs8eTcnyYNnQhTP3xaW/GpqKOQEojWLAv3vhlBgsWN0sSNkwIMLALX3+ddAXik8lPUmdoYusE8FknLWpyFAw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-29", "agent_id": "restored", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "uSItG6gQ0wQMCbCbPGUTQRSi6EO1GAbjT6l1AmgLMzPkc4CXH47v0Kl3e3JxzeIdNGeabaWH3GbGz5Br6SWCBw=="}	aced869f58af091520a940f8007648eb04d0bbe7cec96680f9b283c31dea0b39	3932821e7df6d004351f9046b940e023ef04c5472e8a5d5b51e8588b998a8780	deleted	f	verified	2026-11-28 21:24:02.369493+00	2026-11-28 21:24:02.556894+00	\N	peer:127.0.0.1	6ee2fbd3-770e-42b9-9ec2-47c631676ab5	\N	[]
18	restored	restored	org-a	{"genesis": {"id": "gen-27", "agent_id": "restored", "signature": "K/G245x9NJR3DshycWC5xqQW5T2b6T+ArtGwuv8Fd6wj8CLtvJ6t46RBGVD6asDQeEo1ahnRi1ZUsflonZQ8Bw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-28", "signature": "+TNs8eTcnyYNnQhTP3xaW/GpqKOQEojWLAv3vhlBgsWN0sSNkwIMLALX3+ddAXik8lPUmdoYusE8FknLWpyFAw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-29", "agent_id": "restored", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "uSItG6gQ0wQMCbCbPGUTQRSi6EO1GAbjT6l1AmgLMzPkc4CXH47v0Kl3e3JxzeIdNGeabaWH3GbGz5Br6SWCBw=="}	aced869f58af091520a940f8007648eb04d0bbe7cec96680f9b283c31dea0b39	3932821e7df6d004351f9046b940e023ef04c5472e8a5d5b51e8588b998a8780	active	t	verified	2026-11-28 21:24:02.369493+00	2026-11-28 21:24:02.563906+00	\N	peer:127.0.0.1	9cc9e2a1-822e-4fc0-9e0a-6a6323fb7831	\N	[]
20	revoked	revoked	org-a	{"genesis": {"id": "gen-24", "agent_id": "revoked", "signature": "QseU1+uh70sQF4fiQBiamSrDCzqmPafHMROo3cdygSj3ImzhE9zvoxyfEVoliZs6WIMLUcPy2ACNp33ItJwrCw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-25", "signature": "7fiKzbz2jeqOZzxAA1KB9szq3Ml88+84MbT6ynVu42jvoOu5OSGJgJLBr8JWHp/swksZXVj6niZsIY5A/S0HDg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-26", "agent_id": "revoked", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "T449ld45pVv9YpggYqKj5VS4mCauj2foFPMK9TuHBB9Zn7Rw8Br5exgQB/HsMyEole88LcQg+mV+0DAxIK2YDg=="}	90f37603b1adbb0925ecd4946686dd7b48448177906227bc50fa00e42e027dad	22efbb92720c55c41f365a6b89e83e577a520fc1bfbdd1b82fcb410309dd0687	revoked	f	verified	2026-11-28 21:24:02.346357+00	2026-11-28 21:24:02.793214+00	\N	peer:127.0.0.1	b697d05c-5903-4251-b606-2e16e88d5f9f	\N	[]
22	leaving	revocations_changed	org-a	{"genesis": {"id": "gen-30", "agent_id": "leaving", "signature": "4Ry/lF40QYBjvqxqWjTKNDcjcBQszRacPXev3FE6IGEm6hYzNeJnI046zxgjNdjxI7I0sqY08v+AezrVqqy4AQ==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-31", "signature": "Oodtpifog/sdhzWaI5nuuweCQQVtm2aU4L9zFV/ttrM90wYcEulhltfb3oHJEsL9eHKMTh0MKL1MVApbLRQRAQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-32", "agent_id": "leaving", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "v2npffxhlWuMoP9fWAbzrZy4+QTLhxMMYeJHUvuBSGvqY3MYLwNFZKkxjt552GruxkH54mjL1AfvPUHWd0kyDw=="}	fe60ebe9769bca9cc232928bc299c17765b2cf082e114626e2f8e01c88f16a52	ea034abf887054f43e973fa2fc60446c12480c729a2d7b439e16c5d284395bc1	active	t	verified	2026-11-28 21:24:02.421776+00	2026-11-28 21:24:02.844231+00	\N	peer:127.0.0.1	1c0a99d6-6c49-4814-a101-705d8b55bd6b	2200-01-01 00:00:00+00	[]
24	suspended	suspended	org-a	{"genesis": {"id": "gen-18", "agent_id": "suspended", "signature": "jfbv9cR0XScFI48T3wLVRu9s4tOkHd9Br39O5A3uA+O5nzNkeXgnAdCmyA8BOhZXJKDXe93ijYxzasDfHHzwDA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-19", "signature": "H69+jLBdtj+gJ0ug+FkDYANr2xnq3bOgjXUX4DrYLJf57veacmu302VEsd+Uz6sA52CRKIKRdaXOKeq86XpVBg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-20", "agent_id": "suspended", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "+P5K9VAHKve0qVD5Ccgcd3+2nuyxI0uLrJd2VhrCj+JgIyF1mbs2AP7M/ciNWqyQwYvbJgehk9gSiBursVQ6Cw=="}	761ec4669cbccb36c5baa421dc1a91d0c6d6bdc8b1a954cc9e935974ff87d1b4	303debd8b28160a562077fc6f43bcb67b4e14237404fbc30008ef65795b7a956	suspended	f	verified	2026-11-28 21:24:02.276921+00	2026-11-28 21:24:02.858175+00	\N	peer:127.0.0.1	a24e020e-a7b6-444a-922d-fc17b7b16d9e	\N	[]
26	resumed	suspended	org-a	{"genesis": {"id": "gen-21", "agent_id": "resumed", "signature": "rJm0g/gpx9EgkVG2WfYauyrq5G0v80gf3tb6gppQ4DsH0dQXbRGihc5XsVcnnFRSaipPr2nd4qrT2rXVYFGrBg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-22", "signature": "UsLHVXSKS+Fq7wL6UANWquhOUt+dwomClc6gR0SPrXh9SmaxVRMPwGIFPKrPP+BdXAhcZx77lUNSmw7ud2dLAg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-23", "agent_id": "resumed", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "VTltyHAlCGshqZgttKgx4vihFORJRTAL6rr+XMcrO4zPG9f4mDwN/V7w2SoOcssEmISM09dQmL+0StvgVoJSBQ=="}	fb852996e4733c237aab2140a080ea1275f6183a6df767c0c278c9fb7bf3bfc4	86d5fa14ecff7022eb5d0fa1db4229f11ca32db606953c460dd965ddaecc6b04	suspended	f	verified	2026-11-28 21:24:02.310185+00	2026-11-28 21:24:02.884105+00	\N	peer:127.0.0.1	9ae8fe4a-d8cf-4845-a536-ca54f6e7893a	\N	[]
28	resumed	restored	org-a	{"genesis": {"id": "gen-21", "agent_id": "resumed", "signature": "rJm0g/gpx9EgkVG2WfYauyrq5G0v80gf3tb6gppQ4DsH0dQXbRGihc5XsVcnnFRSaipPr2nd4qrT2rXVYFGrBg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-22", "signature": "UsLHVXSKS+Fq7wL6UANWquhOUt+dwomClc6gR0SPrXh9SmaxVRMPwGIFPKrPP+BdXAhcZx77lUNSmw7ud2dLAg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-23", "agent_id": "resumed", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "VTltyHAlCGshqZgttKgx4vihFORJRTAL6rr+XMcrO4zPG9f4mDwN/V7w2SoOcssEmISM09dQmL+0StvgVoJSBQ=="}	fb852996e4733c237aab2140a080ea1275f6183a6df767c0c278c9fb7bf3bfc4	86d5fa14ecff7022eb5d0fa1db4229f11ca32db606953c460dd965ddaecc6b04	active	t	verified	2026-11-28 21:24:02.310185+00	2026-11-28 21:24:02.916586+00	\N	peer:127.0.0.1	2e14bea6-53f7-42ea-ab5c-59dbd7e70a8a	\N	[]
33	by-hand	updated	org-a	{"genesis": {"id": "gen-33", "agent_id": "by-hand", "signature": "lF7ulDo5rJWi+aGE5qLPwp+a5gTTQkyCTbhoiN1MqYCEBHbh8mR0ezMbpdazWsf1+tm2o4ZZOdVwgHWdQ+KeCA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-34", "signature": "e3IYgqMtYARYyYNMkibDb9DTQZmClUBmX3WLXAuI1KvfBUSBWuZwzVh3O0llFKwyBVonpuYW2MLnzDNFrfjSBw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-35", "agent_id": "by-hand", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "9rh9h9Tmjtr68dFalD03Hi6UFvJ2aXaGO1mThK/5B2wVdiYrMTA8T1tl9qop24kchz8N2C8E9OyAmN0SE6jBBg=="}	eeebaebb931d4e8cbfb70e4941aa06b31721cdc791970232675898b7050935d3	a74a36e04df0a6dc7869343afaf95876887ff4413850b41ddf0f2cba28954d9b	active	t	unverified	2026-11-28 21:24:02.442074+00	2026-11-28 21:24:03.197569+00	\N	postgres:trust_registry	77993a6c-e225-4811-880b-64b83c52c772	\N	[]
\.


--
-- Data for Name: trust_chains; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash, status, is_active, signature_status, created_at, updated_at, expires_at, updated_by, request_id, revokes_at, revocations) FROM stdin;
root	2	org-a	{"genesis": {"id": "gen-1", "agent_id": "root", "signature": "ZsKiEu9Fxf82SyU4j1e+3fh8zLRoFDVWfujRbDj38h/b+Ub5h/LIVlDPnwcgaqcp8GNYXewsVJhj1eFN/QweCg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-2", "signature": "mKwZGWptH72bSbk10gM2+N0iTG3O1+1HxCBWHf9WP7bX5PTTY+KRd6ys2kvfhdwWTA/j8eQKg66LbDQKcKpQAQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-3", "agent_id": "root", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "zf3Js3E5GoNTIRADO/JHUUZRQ4ek9DzdUrdr4QJwEwCxRdOLhXWbILd9dtkxuMUGRuzjDVOwPaohHhZ3bFg9AQ=="}	460	0ece36a7fdf05a7d0dbaf8112c0da28719f61a8f9cbebca4f9c2c27ee04d9cd8	6597347763703d3250223f3acac9ce7875cc8000d8528c0bd2a292340e5f0927	active	t	verified	2026-11-28 21:24:02.086562+00	2026-11-28 21:24:02.086562+00	\N	peer:127.0.0.1	0b8ad4e5-6c5e-4d3f-9d3e-000000000001	\N	[]
mid	3	org-a	{"genesis": {"id": "gen-5", "agent_id": "mid", "signature": "4tc6xKAPG7dsfdMmVzzTVZ6PmPgXynxLJ3bGnWrzAErLC8ZzaEY6kxV5TXGz+x31dwP9TknxZcOnEjp+EGFsDA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "metadata_json": "{\\"derived_from\\":\\"root\\",\\"delegation_id\\":\\"del-4\\"}", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "delegations": [{"id": "del-4", "task_id": "task-1", "signature": "vZTTZeVw3QMuwuOggJbWaCGtlvl8MdaQyh3zMfp6BGc3XIDOVYDXcx3d/mj4vwqd0GN/zSeJi3kkzUgGhecLCA==", "delegated_at": "2026-11-28T21:24:01.558000+00:00", "delegatee_id": "mid", "delegator_id": "root", "delegation_chain": ["root", "mid"], "delegation_depth": "1", "capabilities_delegated": ["read_data"], "signing_payload_version": "legacy-python-v0"}], "capabilities": [{"id": "cap-6", "signature": "56OQLvpgpTKWjdedLH8I92+Obe69dOlTvMgbvWnOnxv1uBzbYdPSfkRZOMn/Vm4VQURCpVleg3oEbW63mxstBQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-7", "agent_id": "mid", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "lw1kKxOTKTkNlb2Z17LYFdPCsiJg/M1FU5z22BGrCLSJ7ZyO00vSr0DJeBky2zsJUQ+evrjFW+KKc26kVCBGBg=="}	703	66b1c2bb9495cb7892100136f72b269c65da5472b915d4f5d5df24240ab4ec6e	2ce9d8fbebed7866fb8fcb716f6555991be4c35c281dbd57d2969ca5377ecb00	active	t	verified	2026-11-28 21:24:02.162784+00	2026-11-28 21:24:02.162784+00	\N	peer:127.0.0.1	bfdb4178-3da9-4a17-967b-ab1fafebf6d6	\N	[]
leaf	4	org-a	{"genesis": {"id": "gen-9", "agent_id": "leaf", "signature": "HIM6yhxGN0ibVDla+VBkTjakhy8CUYvfCNui6UWtiHy9dRiw3w/c1Wd+pAGtIDXK5sDl1LES0ecj6hg5jhuJAQ==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "metadata_json": "{\\"derived_from\\":\\"mid\\",\\"delegation_id\\":\\"del-8\\"}", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "delegations": [{"id": "del-8", "task_id": "task-1", "signature": "V+1dTgLHV1E0zjo5ROSggKoW8enTADMyMuri42R5xQNjhLE99jZA6rShcjwo4/uIXQT/qW8haNWNBZIJbeQ+DQ==", "delegated_at": "2026-11-28T21:24:01.558000+00:00", "delegatee_id": "leaf", "delegator_id": "mid", "delegation_chain": ["root", "mid", "leaf"], "delegation_depth": "2", "capabilities_delegated": ["read_data"], "signing_payload_version": "legacy-python-v0"}], "capabilities": [{"id": "cap-10", "signature": "hHr8y4Mj/04k6OaUonN0Nqv97MOw42VYiy3fRnhHaq4g9y4XEknk4XN9muryMdnNtTe72YXcbgMRVCoY55tACQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-11", "agent_id": "leaf", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "/DVok9DXrlMhmYQE7AliYRX3ZwfPDuaN7nZpXwYg9MTC2MGr+hwrv/EnyI6INsjbmXz/DxURqSCtrVgnPJn4Aw=="}	712	c8977470c83c92f1d2f92930f925ae4a2f517e16fec74c87084e0e46b05179dc	207508acf4cd7e8a4a6297b552855920ab4ca3ce411f711439f6bbbd4599bb47	active	t	verified	2026-11-28 21:24:02.199766+00	2026-11-28 21:24:02.199766+00	\N	peer:127.0.0.1	e77bbae0-c5c2-4d05-8844-c558f281db96	\N	[]
deleted	15	org-a	{"genesis": {"id": "gen-15", "agent_id": "deleted", "signature": "THaUaHSvm/Rk0RyzL48j1H3dwr6d/iWK15k9DAzKXJ8lS7LiX9rsn6w/SCwiL9RTqm3WNDNN0uUpOQf/yzJXCg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-16", "signature": "d1XeI/JBcLxiAwCLqG1jPpTdzhfcR3Nshk2XC+N998ZLMT/djqEWIrqm/9l0tdZ5zLYetpSi+iEQc01ICLbMDw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-17", "agent_id": "deleted", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "UAwQCNxyi2n1M8NwK7RkoqaG2vOW4EsN1HwRc3RKgNIBzOBMOQFIuSZVlW6+Og9bYcaXMcglmV5ytOCYEaP1DA=="}	469	67707a3b92c2e6b8b11053fc4b0465ac4a10e75835eea397588387c0768d9abf	2966d13fdb3e7857a47ed34d273488397e5e004e58cd541b1c37c493eee1e303	deleted	f	verified	2026-11-28 21:24:02.242277+00	2026-11-28 21:24:02.525996+00	\N	peer:127.0.0.1	d87572a2-48c1-47b0-ba14-77dce0d7d552	\N	[]
suspended	24	org-a	{"genesis": {"id": "gen-18", "agent_id": "suspended", "signature": "jfbv9cR0XScFI48T3wLVRu9s4tOkHd9Br39O5A3uA+O5nzNkeXgnAdCmyA8BOhZXJKDXe93ijYxzasDfHHzwDA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-19", "signature": "H69+jLBdtj+gJ0ug+FkDYANr2xnq3bOgjXUX4DrYLJf57veacmu302VEsd+Uz6sA52CRKIKRdaXOKeq86XpVBg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-20", "agent_id": "suspended", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "+P5K9VAHKve0qVD5Ccgcd3+2nuyxI0uLrJd2VhrCj+JgIyF1mbs2AP7M/ciNWqyQwYvbJgehk9gSiBursVQ6Cw=="}	473	761ec4669cbccb36c5baa421dc1a91d0c6d6bdc8b1a954cc9e935974ff87d1b4	303debd8b28160a562077fc6f43bcb67b4e14237404fbc30008ef65795b7a956	suspended	f	verified	2026-11-28 21:24:02.276921+00	2026-11-28 21:24:02.858175+00	\N	peer:127.0.0.1	a24e020e-a7b6-444a-922d-fc17b7b16d9e	\N	[]
updated	14	org-a	{"genesis": {"id": "gen-39", "agent_id": "updated", "signature": "frZ4qbSGWIsYc3wiuEh8dtXTSDHmro+rhuE9jfBUV63tTbdRdbweJglbMlvdVOQmO0CzCyOh0Lf6RW7LArbtBw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-40", "signature": "WCEm9rn/R1kDuBgY3caJKY2klxiCS0fPzAeLWVUCmyACNH6LgBXTe3qubcLwXzfF03oQlyMVs1yWUQrnvPHQBA==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-41", "agent_id": "updated", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "ZqyMEaQV5ggo69GmlHyM8xVY16o924Sjaj18p9ePIXDLgrcFKAr7vaxX7qcwrLo6RNS2igxakHoVDjB/Pfc+AQ=="}	469	3bdfaa4b516bf86147414bde0b754bbf661b406349651989a69946d8fdd19b50	4ef5bdc48ac2079941e3e48082568ef30713d533167e60c111cb23a065d1ba0e	active	t	verified	2026-11-28 21:24:02.216251+00	2026-11-28 21:24:02.504994+00	\N	peer:127.0.0.1	5c325d97-89b1-49e6-9738-5de0dcfa43e1	\N	[]
restored	18	org-a	{"genesis": {"id": "gen-27", "agent_id": "restored", "signature": "K/G245x9NJR3DshycWC5xqQW5T2b6T+ArtGwuv8Fd6wj8CLtvJ6t46RBGVD6asDQeEo1ahnRi1ZUsflonZQ8Bw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-28", "signature": "+TNs8eTcnyYNnQhTP3xaW/GpqKOQEojWLAv3vhlBgsWN0sSNkwIMLALX3+ddAXik8lPUmdoYusE8FknLWpyFAw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-29", "agent_id": "restored", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "uSItG6gQ0wQMCbCbPGUTQRSi6EO1GAbjT6l1AmgLMzPkc4CXH47v0Kl3e3JxzeIdNGeabaWH3GbGz5Br6SWCBw=="}	471	aced869f58af091520a940f8007648eb04d0bbe7cec96680f9b283c31dea0b39	3932821e7df6d004351f9046b940e023ef04c5472e8a5d5b51e8588b998a8780	active	t	verified	2026-11-28 21:24:02.369493+00	2026-11-28 21:24:02.563906+00	\N	peer:127.0.0.1	9cc9e2a1-822e-4fc0-9e0a-6a6323fb7831	\N	[]
revoked	20	org-a	{"genesis": {"id": "gen-24", "agent_id": "revoked", "signature": "QseU1+uh70sQF4fiQBiamSrDCzqmPafHMROo3cdygSj3ImzhE9zvoxyfEVoliZs6WIMLUcPy2ACNp33ItJwrCw==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-25", "signature": "7fiKzbz2jeqOZzxAA1KB9szq3Ml88+84MbT6ynVu42jvoOu5OSGJgJLBr8JWHp/swksZXVj6niZsIY5A/S0HDg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-26", "agent_id": "revoked", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "T449ld45pVv9YpggYqKj5VS4mCauj2foFPMK9TuHBB9Zn7Rw8Br5exgQB/HsMyEole88LcQg+mV+0DAxIK2YDg=="}	469	90f37603b1adbb0925ecd4946686dd7b48448177906227bc50fa00e42e027dad	22efbb92720c55c41f365a6b89e83e577a520fc1bfbdd1b82fcb410309dd0687	revoked	f	verified	2026-11-28 21:24:02.346357+00	2026-11-28 21:24:02.793214+00	\N	peer:127.0.0.1	b697d05c-5903-4251-b606-2e16e88d5f9f	\N	[]
leaving	22	org-a	{"genesis": {"id": "gen-30", "agent_id": "leaving", "signature": "4Ry/lF40QYBjvqxqWjTKNDcjcBQszRacPXev3FE6IGEm6hYzNeJnI046zxgjNdjxI7I0sqY08v+AezrVqqy4AQ==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-31", "signature": "Oodtpifog/sdhzWaI5nuuweCQQVtm2aU4L9zFV/ttrM90wYcEulhltfb3oHJEsL9eHKMTh0MKL1MVApbLRQRAQ==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-32", "agent_id": "leaving", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "v2npffxhlWuMoP9fWAbzrZy4+QTLhxMMYeJHUvuBSGvqY3MYLwNFZKkxjt552GruxkH54mjL1AfvPUHWd0kyDw=="}	469	fe60ebe9769bca9cc232928bc299c17765b2cf082e114626e2f8e01c88f16a52	ea034abf887054f43e973fa2fc60446c12480c729a2d7b439e16c5d284395bc1	active	t	verified	2026-11-28 21:24:02.421776+00	2026-11-28 21:24:02.844231+00	\N	peer:127.0.0.1	1c0a99d6-6c49-4814-a101-705d8b55bd6b	2200-01-01 00:00:00+00	[]
resumed	28	org-a	{"genesis": {"id": "gen-21", "agent_id": "resumed", "signature": "rJm0g/gpx9EgkVG2WfYauyrq5G0v80gf3tb6gppQ4DsH0dQXbRGihc5XsVcnnFRSaipPr2nd4qrT2rXVYFGrBg==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-22", "signature": "UsLHVXSKS+Fq7wL6UANWquhOUt+dwomClc6gR0SPrXh9SmaxVRMPwGIFPKrPP+BdXAhcZx77lUNSmw7ud2dLAg==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-23", "agent_id": "resumed", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "VTltyHAlCGshqZgttKgx4vihFORJRTAL6rr+XMcrO4zPG9f4mDwN/V7w2SoOcssEmISM09dQmL+0StvgVoJSBQ=="}	469	fb852996e4733c237aab2140a080ea1275f6183a6df767c0c278c9fb7bf3bfc4	86d5fa14ecff7022eb5d0fa1db4229f11ca32db606953c460dd965ddaecc6b04	active	t	verified	2026-11-28 21:24:02.310185+00	2026-11-28 21:24:02.916586+00	\N	peer:127.0.0.1	2e14bea6-53f7-42ea-ab5c-59dbd7e70a8a	\N	[]
by-hand	33	org-a	{"genesis": {"id": "gen-33", "agent_id": "by-hand", "signature": "lF7ulDo5rJWi+aGE5qLPwp+a5gTTQkyCTbhoiN1MqYCEBHbh8mR0ezMbpdazWsf1+tm2o4ZZOdVwgHWdQ+KeCA==", "created_at": "2026-11-28T21:24:01.558000+00:00", "authority_id": "org-a", "authority_type": "AUTHORITY_TYPE_ORGANIZATION"}, "capabilities": [{"id": "cap-34", "signature": "e3IYgqMtYARYyYNMkibDb9DTQZmClUBmX3WLXAuI1KvfBUSBWuZwzVh3O0llFKwyBVonpuYW2MLnzDNFrfjSBw==", "capability": "read_data", "attested_at": "2026-11-28T21:24:01.558000+00:00", "attester_id": "org-a", "capability_type": "CAPABILITY_TYPE_ACCESS", "signing_payload_version": "v1-subject-bound"}], "constraint_envelope": {"id": "env-35", "agent_id": "by-hand", "computed_at": "2026-11-28T21:24:01.558000+00:00"}, "chain_state_signature": "9rh9h9Tmjtr68dFalD03Hi6UFvJ2aXaGO1mThK/5B2wVdiYrMTA8T1tl9qop24kchz8N2C8E9OyAmN0SE6jBBg=="}	469	eeebaebb931d4e8cbfb70e4941aa06b31721cdc791970232675898b7050935d3	a74a36e04df0a6dc7869343afaf95876887ff4413850b41ddf0f2cba28954d9b	active	t	unverified	2026-11-28 21:24:02.442074+00	2026-11-28 21:24:03.197569+00	\N	postgres:trust_registry	77993a6c-e225-4811-880b-64b83c52c772	\N	[]
\.


--
-- Data for Name: trust_compaction; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_compaction (one, oldest_revision) FROM stdin;
\.


--
-- Data for Name: trust_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_migrations (name, version, checksum, applied_at) FROM stdin;
0001_init.sql	1	4bd4a29dbee5163b395fb2f7491041d28a9efb0e47dbdd8e090019bd234b4ccc	2026-11-28 21:24:00.427863+00
functions	1	a57598d7c9e71ab0fcd8576a7304dc1189de4400e2ad859b23d9485f8dd5208f	2026-11-28 21:24:00.427863+00
\.


--
-- Data for Name: trust_revocations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trust_revocations (revision, revocation_id, kind, agent_id, authority_id, record_id, mode, descends_from, effective_at, compromised_at, reason, revoked_at, revoked_by, lifted_at, lifted_by, request_id, request_hash) FROM stdin;
19	b697d05c-5903-4251-b606-2e16e88d5f9f	agent	revoked	\N		immediate	\N	2026-11-28 21:24:02.785863+00	\N		2026-11-28 21:24:02.785863+00	peer:127.0.0.1	\N	\N	b697d05c-5903-4251-b606-2e16e88d5f9f	4881b83132961b9da571377390b7d58b17aab960b640805d8b3b904344ccca4e
21	1c0a99d6-6c49-4814-a101-705d8b55bd6b	agent	leaving	\N		graceful	\N	2200-01-01 00:00:00+00	\N		2026-11-28 21:24:02.843863+00	peer:127.0.0.1	\N	\N	1c0a99d6-6c49-4814-a101-705d8b55bd6b	df2d49e1af6cd19e5df7056f46c9044e54cadc623afe3ba0a7f8e8f60c154bce
23	a24e020e-a7b6-444a-922d-fc17b7b16d9e	agent	suspended	\N		suspend	\N	2026-11-28 21:24:02.857929+00	\N		2026-11-28 21:24:02.857929+00	peer:127.0.0.1	\N	\N	a24e020e-a7b6-444a-922d-fc17b7b16d9e	548a6c949af261204eeab0de6fd1c22d261faccddfafff1ed15d02ef75e5d81a
27	9ae8fe4a-d8cf-4845-a536-ca54f6e7893a	agent	resumed	\N		suspend	\N	2026-11-28 21:24:02.883887+00	\N		2026-11-28 21:24:02.883887+00	peer:127.0.0.1	2026-11-28 21:24:02.916187+00	peer:127.0.0.1	2e14bea6-53f7-42ea-ab5c-59dbd7e70a8a	a1a23738a2909bd152bf79c0c18e0e97933a9003444703a921c1255eda138641
30	14741e55-c95d-469a-a980-d3de5c8bac42	key	\N	org-a	2	immediate	\N	2026-11-28 21:24:03.020305+00	2026-01-01 00:00:00+00		2026-11-28 21:24:03.020305+00	peer:127.0.0.1	\N	\N	14741e55-c95d-469a-a980-d3de5c8bac42	d5267e07354bc6ef74ab17ddf9438fed6569c467e8603aae7ee0761fdb118383
\.


--
-- Name: trust_revision; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.trust_revision', 33, true);


--
-- Name: trust_authorities trust_authorities_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_authorities
    ADD CONSTRAINT trust_authorities_pkey PRIMARY KEY (authority_id);


--
-- Name: trust_authority_revisions trust_authority_revisions_authority_id_request_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_authority_revisions
    ADD CONSTRAINT trust_authority_revisions_authority_id_request_id_key UNIQUE (authority_id, request_id);


--
-- Name: trust_authority_revisions trust_authority_revisions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_authority_revisions
    ADD CONSTRAINT trust_authority_revisions_pkey PRIMARY KEY (revision);


--
-- Name: trust_chain_revisions trust_chain_revisions_agent_id_request_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_chain_revisions
    ADD CONSTRAINT trust_chain_revisions_agent_id_request_id_key UNIQUE (agent_id, request_id);


--
-- Name: trust_chain_revisions trust_chain_revisions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_chain_revisions
    ADD CONSTRAINT trust_chain_revisions_pkey PRIMARY KEY (revision);


--
-- Name: trust_chains trust_chains_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_chains
    ADD CONSTRAINT trust_chains_pkey PRIMARY KEY (agent_id);


--
-- Name: trust_compaction trust_compaction_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_compaction
    ADD CONSTRAINT trust_compaction_pkey PRIMARY KEY (one);


--
-- Name: trust_migrations trust_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_migrations
    ADD CONSTRAINT trust_migrations_pkey PRIMARY KEY (name);


--
-- Name: trust_revocations trust_revocations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_revocations
    ADD CONSTRAINT trust_revocations_pkey PRIMARY KEY (revision);


--
-- Name: trust_revocations trust_revocations_revocation_id_kind_agent_id_authority_id__key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_revocations
    ADD CONSTRAINT trust_revocations_revocation_id_kind_agent_id_authority_id__key UNIQUE NULLS NOT DISTINCT (revocation_id, kind, agent_id, authority_id, record_id);


--
-- Name: trust_authorities_parent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_authorities_parent ON public.trust_authorities USING btree (parent_authority_id) WHERE (parent_authority_id IS NOT NULL);


--
-- Name: trust_authority_revisions_authority; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_authority_revisions_authority ON public.trust_authority_revisions USING btree (authority_id, revision DESC);


--
-- Name: trust_chain_revisions_agent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chain_revisions_agent ON public.trust_chain_revisions USING btree (agent_id, revision DESC);


--
-- Name: trust_chains_authority; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_authority ON public.trust_chains USING btree (authority_id, agent_id);


--
-- Name: trust_chains_capability; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_capability ON public.trust_chains USING gin (jsonb_path_query_array(chain_data, '$."capabilities"[*]."capability"'::jsonpath));


--
-- Name: trust_chains_capability_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_capability_type ON public.trust_chains USING gin (jsonb_path_query_array(chain_data, '$."capabilities"[*]."capability_type"'::jsonpath));


--
-- Name: trust_chains_delegator; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_delegator ON public.trust_chains USING gin (jsonb_path_query_array(chain_data, '$."delegations"[*]."delegator_id"'::jsonpath)) WITH (fastupdate=off);


--
-- Name: trust_chains_expires; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_expires ON public.trust_chains USING btree (expires_at) INCLUDE (agent_id, is_active, revokes_at, chain_bytes) WHERE (expires_at IS NOT NULL);


--
-- Name: trust_chains_metadata; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_chains_metadata ON public.trust_chains USING gin (public.trust_chain_metadata(chain_data) jsonb_path_ops);


--
-- Name: trust_revocations_agent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_revocations_agent ON public.trust_revocations USING btree (agent_id, revision) WHERE (agent_id IS NOT NULL);


--
-- Name: trust_revocations_authority; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_revocations_authority ON public.trust_revocations USING btree (authority_id, revision) WHERE (authority_id IS NOT NULL);


--
-- Name: trust_revocations_standing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trust_revocations_standing ON public.trust_revocations USING btree (agent_id) WHERE (lifted_at IS NULL);


--
-- Name: trust_authorities trust_authorities_1_lock; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_1_lock BEFORE INSERT OR DELETE OR UPDATE ON public.trust_authorities FOR EACH STATEMENT EXECUTE FUNCTION public.trust_lock_statement();


--
-- Name: trust_authorities trust_authorities_2_stamp; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_2_stamp BEFORE INSERT OR UPDATE ON public.trust_authorities FOR EACH ROW EXECUTE FUNCTION public.trust_stamp();


--
-- Name: trust_authorities trust_authorities_3_keys; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_3_keys BEFORE INSERT OR UPDATE ON public.trust_authorities FOR EACH ROW EXECUTE FUNCTION public.trust_authorities_keys();


--
-- Name: trust_authorities trust_authorities_4_cycle_inserted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_4_cycle_inserted AFTER INSERT ON public.trust_authorities REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_authorities_refuse_cycle();


--
-- Name: trust_authorities trust_authorities_4_cycle_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_4_cycle_updated AFTER UPDATE ON public.trust_authorities REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_authorities_refuse_cycle();


--
-- Name: trust_authorities trust_authorities_5_record_purged; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_5_record_purged AFTER DELETE ON public.trust_authorities REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_authorities_record_purged();


--
-- Name: trust_authorities trust_authorities_5_record_registered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_5_record_registered AFTER INSERT ON public.trust_authorities REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_authorities_record_registered();


--
-- Name: trust_authorities trust_authorities_5_record_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_5_record_updated AFTER UPDATE ON public.trust_authorities REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_authorities_record_updated();


--
-- Name: trust_authorities trust_authorities_refuse_new_id; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_refuse_new_id BEFORE UPDATE ON public.trust_authorities FOR EACH ROW WHEN ((new.authority_id <> old.authority_id)) EXECUTE FUNCTION public.trust_refuse_new_id();


--
-- Name: trust_authorities trust_authorities_refuse_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authorities_refuse_truncate BEFORE TRUNCATE ON public.trust_authorities FOR EACH STATEMENT EXECUTE FUNCTION public.trust_refuse_truncate();


--
-- Name: trust_authority_revisions trust_authority_revisions_notify; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authority_revisions_notify AFTER INSERT ON public.trust_authority_revisions FOR EACH STATEMENT EXECUTE FUNCTION public.trust_notify();


--
-- Name: trust_authority_revisions trust_authority_revisions_refuse_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_authority_revisions_refuse_truncate BEFORE TRUNCATE ON public.trust_authority_revisions FOR EACH STATEMENT EXECUTE FUNCTION public.trust_refuse_truncate();


--
-- Name: trust_chain_revisions trust_chain_revisions_notify; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chain_revisions_notify AFTER INSERT ON public.trust_chain_revisions FOR EACH STATEMENT EXECUTE FUNCTION public.trust_notify();


--
-- Name: trust_chain_revisions trust_chain_revisions_refuse_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chain_revisions_refuse_truncate BEFORE TRUNCATE ON public.trust_chain_revisions FOR EACH STATEMENT EXECUTE FUNCTION public.trust_refuse_truncate();


--
-- Name: trust_chains trust_chains_1_lock; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_1_lock BEFORE INSERT OR DELETE OR UPDATE ON public.trust_chains FOR EACH STATEMENT EXECUTE FUNCTION public.trust_lock_statement();


--
-- Name: trust_chains trust_chains_2_stamp; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_2_stamp BEFORE INSERT OR UPDATE ON public.trust_chains FOR EACH ROW EXECUTE FUNCTION public.trust_stamp();


--
-- Name: trust_chains trust_chains_3_standing; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_3_standing BEFORE INSERT OR UPDATE ON public.trust_chains FOR EACH ROW EXECUTE FUNCTION public.trust_chains_standing();


--
-- Name: trust_chains trust_chains_4_record_created; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_4_record_created AFTER INSERT ON public.trust_chains REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_chains_record_created();


--
-- Name: trust_chains trust_chains_4_record_purged; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_4_record_purged AFTER DELETE ON public.trust_chains REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_chains_record_purged();


--
-- Name: trust_chains trust_chains_4_record_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_4_record_updated AFTER UPDATE ON public.trust_chains REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_chains_record_updated();


--
-- Name: trust_chains trust_chains_refuse_new_id; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_refuse_new_id BEFORE UPDATE ON public.trust_chains FOR EACH ROW WHEN ((new.agent_id <> old.agent_id)) EXECUTE FUNCTION public.trust_refuse_new_id();


--
-- Name: trust_chains trust_chains_refuse_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_chains_refuse_truncate BEFORE TRUNCATE ON public.trust_chains FOR EACH STATEMENT EXECUTE FUNCTION public.trust_refuse_truncate();


--
-- Name: trust_revocations trust_revocations_1_lock; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_1_lock BEFORE INSERT OR UPDATE ON public.trust_revocations FOR EACH STATEMENT EXECUTE FUNCTION public.trust_lock_statement();


--
-- Name: trust_revocations trust_revocations_2_assign; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_2_assign BEFORE INSERT OR UPDATE ON public.trust_revocations FOR EACH ROW EXECUTE FUNCTION public.trust_revocations_assign();


--
-- Name: trust_revocations trust_revocations_3_apply_lifted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_3_apply_lifted AFTER UPDATE ON public.trust_revocations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_revocations_apply();


--
-- Name: trust_revocations trust_revocations_3_apply_made; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_3_apply_made AFTER INSERT ON public.trust_revocations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.trust_revocations_apply();


--
-- Name: trust_revocations trust_revocations_notify; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_notify AFTER INSERT OR UPDATE ON public.trust_revocations FOR EACH STATEMENT EXECUTE FUNCTION public.trust_notify();


--
-- Name: trust_revocations trust_revocations_refuse_unrevoke; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER trust_revocations_refuse_unrevoke BEFORE DELETE OR TRUNCATE ON public.trust_revocations FOR EACH STATEMENT EXECUTE FUNCTION public.trust_refuse_unrevoke();


--
-- Name: trust_authorities trust_authorities_parent_authority_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trust_authorities
    ADD CONSTRAINT trust_authorities_parent_authority_id_fkey FOREIGN KEY (parent_authority_id) REFERENCES public.trust_authorities(authority_id);


--
-- PostgreSQL database dump complete
--

\unrestrict YUQCuktJXKpnYAX2FbEOOknOIsX8vXyDHOhzLO5b4Zg1FLoJKZ1JfAoN9SK3wZF

