-- Stamps a new or lifted revocation with the next revision, the time, and who did it. Nothing else of a revocation changes.
create or replace function trust_revocations_assign() returns trigger language plpgsql
set search_path from current
as $$
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
    new.made_revision := coalesce(old.made_revision, old.revision);
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
    new.made_revision := null;
    new.lifted_at := null;
    new.lifted_by := null;
  end if;
  new.revision := nextval('trust_revision');
  return new;
end
$$;

create or replace trigger trust_revocations_2_assign before insert or update on trust_revocations
  for each row execute function trust_revocations_assign();
