-- Works out the status of a changed chain, and what is revoked of it. Whoever writes the chain, however: its revocations decide.
create or replace function trust_chains_standing() returns trigger language plpgsql
set search_path from current
-- A session keeps the plan of a trigger. Planned for a write of one chain while nothing was revoked, it would read all
-- revocations for each chain: 10 s for 10,000.
set enable_seqscan = off
as $$
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
             -- Verdicts work out what still has to follow.
             || case when c.since is null then '{}' else jsonb_build_object('names', r.names, 'since', c.since) end
             order by r.revision) filter (where r.kind <> 'agent') as records
    into standing
    from trust_revocations r
    left join trust_cascades c on c.revocation_id = r.revocation_id and c.lift_request is null
    where r.agent_id = new.agent_id and r.lifted_at is null;
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

create or replace trigger trust_chains_3_standing before insert or update on trust_chains
  for each row execute function trust_chains_standing();
