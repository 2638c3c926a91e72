-- All writes of chains by the server go through this function: a batch of them in one round trip, each for itself.
--
-- In `writes` an agent appears at most once. `operation` is store, update, delete, restore or purge. `depends` names the other
-- rows that the server looked at to judge the document, with the revisions they had (0: there was none):
-- {"chains": {agent_id: revision}, "authorities": {authority_id: revision}}. `documents` holds the documents of the writes, in
-- their order, with U+001F between two and nothing for a write that has none: JSON holds that character only escaped, and
-- as a field each would be escaped and unescaped twice, which takes 10 us a document and more.
--
-- `at` is the time for expiry and graceful revocations, `not_after` that of trust_lock. Answers each write, in order; what the
-- outcomes mean is in trust_chains_judge.
create or replace function trust_chains_write(
  writes trust_chain_write[], documents text, at timestamptz, not_after timestamptz
) returns setof trust_chain_written language plpgsql volatile
set search_path from current
-- A transaction that a person holds open makes other writers fail instead of wait forever; less than the server's own 2 s.
set lock_timeout = '1800ms'
-- A session keeps the plans of a function until its tables are analyzed again. Planned while the tables were small, a statement
-- would read all of them: an import into a young registry then spent seconds on each batch and failed. Rows are always found
-- by key. The functions called here are planned under these settings too.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  texts text[] := string_to_array(documents, E'\x1f', '');
  outcomes text[];
begin
  -- Each statement of a volatile function has its own snapshot, so all that follow see every commit before. A condition in the
  -- same statement as the write would read the snapshot from before the lock and lose updates.
  perform trust_lock(not_after);
  if exists (select from trust_cascades) then
    perform trust_cascades_settle(array(select w.agent_id from unnest(writes) w));
  end if;
  outcomes := trust_chains_judge(writes, texts, at);
  perform trust_chains_apply(writes, outcomes, texts);
  return query select * from trust_chains_answer(writes, outcomes, texts, at);
end
$$;
