-- How far back the history of chains reaches. Retention removes what was replaced long ago; what it leaves tells each change
-- from oldest_revision on, and the state of every agent at each of these revisions.

create table trust_history (
  one boolean primary key default true check (one),
  oldest_revision bigint not null
);

insert into trust_history (oldest_revision) values (1);

-- A step of the compaction: looks at the next `most` revisions and, where they are older than `retention`, moves
-- oldest_revision up to the last of them. A revision is removed when another of the same agent, older than the new
-- oldest_revision, has replaced it: the newest one of an agent stays, be it a tombstone.
--
-- Steps do not take the lock of changes, and never wait: rows that a writer holds are left to a later step. Answers no row
-- when another process is at it; `moved` says whether there may be more to do.
create function trust_history_compact(retention interval, most integer)
returns table (moved boolean, removed bigint, oldest bigint)
language plpgsql volatile as $$
#variable_conflict use_column
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
      where new.revision >= before and new.revision < trust_history_compact.oldest
      for update of old skip locked));
    get diagnostics removed = row_count;
    update trust_history set oldest_revision = trust_history_compact.oldest;
  end if;
  oldest := coalesce(oldest, before);
  return next;
end
$$;
