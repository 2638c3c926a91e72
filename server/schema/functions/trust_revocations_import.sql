-- Stores revoked records of another registry as they are, without a cascade: an array of
-- {revocation_id, kind, agent_id, authority_id, record_id, mode, descends_from, effective_at, compromised_at, reason, revoked_by}.
-- What is stored already stays as it is. A revocation has one mode and one time: `taken` is the id of one that has another here or
-- among the records, or whose cascade is in progress, and nothing is stored then. Else it answers how many are new, and the newest revision of what was done, of the chains and
-- authorities that it changed too; 0 if nothing was. `not_after` is that of trust_lock.
--
-- A request_id for all of them, of its own: an agent whose chain changes for several records changes once, in one entry of history.
create or replace function trust_revocations_import(records jsonb, not_after timestamptz)
returns table (created bigint, head bigint, taken uuid) language plpgsql volatile
set search_path from current
-- As in trust_chains_write.
set lock_timeout = '1800ms'
-- As in trust_revocation_cascade.
set enable_seqscan = off
as $$
declare
  request uuid := gen_random_uuid();
begin
  perform trust_lock(not_after);
  select r.revocation_id into taken
  from jsonb_to_recordset(records) as r (revocation_id uuid, kind text, agent_id text, authority_id text, record_id text, mode text,
    effective_at timestamptz)
  where exists (
      select from trust_revocations other
      where other.revocation_id = r.revocation_id
        and (other.mode <> r.mode or r.mode = 'graceful' and other.effective_at is distinct from r.effective_at))
    or exists (
      select from jsonb_to_recordset(records) as other (revocation_id uuid, mode text, effective_at timestamptz)
      where other.revocation_id = r.revocation_id
        and (other.mode <> r.mode or r.mode = 'graceful' and other.effective_at is distinct from r.effective_at))
    or exists (select from trust_cascades c where c.revocation_id = r.revocation_id)
  limit 1;
  if taken is not null then
    created := 0; head := 0;
    return next;
    return;
  end if;
  with new_rows as (
    insert into trust_revocations (revision, revocation_id, kind, agent_id, authority_id, record_id, mode, descends_from,
      effective_at, compromised_at, reason, revoked_by, request_id)
    select 0, r.revocation_id, r.kind, r.agent_id, r.authority_id, r.record_id, r.mode, r.descends_from,
           r.effective_at, r.compromised_at, r.reason, r.revoked_by, request
    from jsonb_to_recordset(records) as r (revocation_id uuid, kind text, agent_id text, authority_id text, record_id text,
      mode text, descends_from text, effective_at timestamptz, compromised_at timestamptz, reason text, revoked_by text)
    on conflict do nothing
    returning revision
  )
  select count(*), coalesce(max(n.revision), 0) into created, head from new_rows n;
  if created > 0 then
    head := greatest(head,
      (select max(h.revision) from trust_chain_revisions h, jsonb_to_recordset(records) as r (agent_id text)
        where h.agent_id = r.agent_id and h.request_id = request),
      (select max(h.revision) from trust_authority_revisions h, jsonb_to_recordset(records) as r (authority_id text)
        where h.authority_id = r.authority_id and h.request_id = request));
  end if;
  return next;
end
$$;
