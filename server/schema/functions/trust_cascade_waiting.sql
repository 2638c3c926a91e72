-- How many records of a cascade in progress are known to be revoked or lifted yet; null where none is in progress.
create or replace function trust_cascade_waiting(revocation uuid) returns bigint language sql stable
set search_path from current
as $$
  select case when c.lift_request is null
    then (select count(*) from trust_cascade_records r where r.revocation_id = revocation and not r.written)
    else (select count(*) from trust_revocations r
      where r.revocation_id = revocation and r.mode = 'suspend' and r.lifted_at is null)
  end
  from trust_cascades c where c.revocation_id = revocation
$$;
