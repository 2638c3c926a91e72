-- A network that was away may deliver a write long after its caller was told that it failed, and wrote anew. A writer that
-- says until when it will be waited for is refused afterwards, before it can undo what is newer.

-- For an argument of a function that writes: arguments come before the function, and so before the lock. `not_after` is
-- by the clock of the database. Gives `at`.
create function trust_write_until(at timestamptz, not_after timestamptz) returns timestamptz
language plpgsql volatile as $$
begin
  perform set_config('trust_registry.not_after', not_after::text, true);
  return at;
end
$$;

-- As before, and what waited too long for the lock, or came too late to wait, is refused.
create or replace function trust_chains_lock() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7166746355081732685);
  if clock_timestamp() > nullif(current_setting('trust_registry.not_after', true), '')::timestamptz then
    raise exception 'the write came too late: its caller was told already that it failed'
      using errcode = 'lock_not_available';
  end if;
end
$$;
