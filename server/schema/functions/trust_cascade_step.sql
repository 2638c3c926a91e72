-- A step of the oldest cascade in progress: looks below records that are written, writes the next portion of those found, or lifts
-- a portion. Answers what it did, and how long it held the lock of writers, in milliseconds; or no row where there is nothing to do or another process is at it. A step is a transaction: what
-- was not done when a server died, another does.
--
-- To look for records takes no lock that a writer waits for. A portion of at most `most` records, or `most_bytes` of their chains,
-- takes the lock of writers for some hundred milliseconds at most.
create or replace function trust_cascade_step(most integer, most_bytes bigint)
returns table (did text, revocation_id uuid, records bigint, locked_ms double precision)
language plpgsql volatile
set search_path from current
set lock_timeout = '1800ms'
-- As in trust_revocation_cascade.
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  cascade trust_cascades;
  since timestamptz;
begin
  if not pg_try_advisory_xact_lock(7166746355081732688) then return; end if;
  select * into cascade from trust_cascades c order by c.place limit 1;
  if cascade.place is null then return; end if;
  revocation_id := cascade.revocation_id;
  if cascade.lift_request is null then
    records := trust_cascade_find(cascade, 500);
    did := 'found';
  end if;
  if records is null then
    perform trust_lock();
    since := clock_timestamp();
    -- As it is now that nobody else writes.
    select * into cascade from trust_cascades c where c.place = cascade.place;
    did := case when cascade.lift_request is null then 'written' else 'lifted' end;
    records := case when did = 'written' then trust_cascade_write(cascade, most, most_bytes)
                    else trust_cascade_lift(cascade, most) end;
    if records is null then
      delete from trust_cascade_records r where r.revocation_id = cascade.revocation_id;
      delete from trust_cascades c where c.place = cascade.place;
      did := 'done';
    end if;
  end if;
  locked_ms := extract(epoch from clock_timestamp() - since) * 1000;
  return next;
end
$$;
