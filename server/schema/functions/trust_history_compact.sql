-- A step of the compaction: looks at the next `most` revisions and, where they are older than `retention`, moves
-- oldest_revision up to the last of them. A revision is removed when a later one of the same agent, older than the new
-- oldest_revision, has replaced it. The newest one of an agent stays, even a tombstone, and so does the one with the document that
-- it refers to.
--
-- Steps do not take the lock of writers and never wait: rows that a writer holds are left to a later step. Answers no row while
-- another process is compacting; `moved` says whether there may be more to do.
create or replace function trust_history_compact(retention interval, most integer)
returns table (moved boolean, removed bigint, oldest bigint)
language plpgsql volatile
set search_path from current
as $$
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
        and not exists (
          select from trust_chain_revisions kept
          where kept.agent_id = old.agent_id and kept.document_revision = old.revision
            and not exists (
              select from trust_chain_revisions later
              where later.agent_id = kept.agent_id and later.revision > kept.revision and later.revision < oldest))
      for update of old skip locked));
    get diagnostics removed = row_count;
    insert into trust_compaction (oldest_revision) values (oldest)
    on conflict (one) do update set oldest_revision = excluded.oldest_revision;
  end if;
  oldest := coalesce(oldest, before);
  return next;
end
$$;
