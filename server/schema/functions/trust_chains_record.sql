-- Record changes of chains in the history.

-- The document is taken from the stored row, where it is already compressed; in new_rows it is not, and compressing it again
-- takes 20 us of the 225 of a write.
create or replace function trust_chains_record_created() returns trigger language plpgsql
set search_path from current
-- As in trust_chains_record_updated.
set enable_seqscan = off
as $$
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

create or replace function trust_chains_record_updated() returns trigger language plpgsql
set search_path from current
-- A session keeps the plan. Planned for one chain, it would compare each new row with each old one: transition tables have no
-- index.
set enable_seqscan = off
set enable_nestloop = off
set enable_hashjoin = on
as $$
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
         case when n.document_revision = n.revision then coalesce(
           (select c.chain_data from trust_chains c where c.agent_id = n.agent_id and c.revision = n.revision), n.chain_data) end,
         n.chain_hash, n.content_hash, n.status, n.is_active, n.signature_status, n.created_at, n.updated_at, n.expires_at,
         n.updated_by, n.request_id, n.revokes_at, n.revocations, nullif(n.document_revision, n.revision)
  from new_rows n join old_rows o using (agent_id);
  return null;
end
$$;

-- A purge also removes the documents of the history; hashes and a tombstone stay. There is no new row to say who asked for it,
-- so trust_chains_apply says so in a setting of the transaction: {agent_id: [request_id, actor]}.
create or replace function trust_chains_record_purged() returns trigger language plpgsql
set search_path from current
as $$
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

create or replace trigger trust_chains_4_record_created after insert on trust_chains
  referencing new table as new_rows for each statement execute function trust_chains_record_created();
create or replace trigger trust_chains_4_record_updated after update on trust_chains
  referencing old table as old_rows new table as new_rows
  for each statement execute function trust_chains_record_updated();
create or replace trigger trust_chains_4_record_purged after delete on trust_chains
  referencing old table as old_rows for each statement execute function trust_chains_record_purged();
