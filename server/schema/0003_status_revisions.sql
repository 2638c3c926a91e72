-- A change of status alone refers to the document of an earlier revision, so that to revoke copies no document.

-- The revision of history that has the document. Null: the chain has not changed since this step, and its last revision has it.
alter table trust_chains add column document_revision bigint;

-- The earlier revision that has the document. Null: this one has its own, or it was purged.
alter table trust_chain_revisions add column document_revision bigint;

-- trust_chain_revisions, each with its document.
create view trust_chain_history as
  select revision, agent_id, operation, authority_id,
         case when document_revision is null then chain_data else (
           select d.chain_data from trust_chain_revisions d where d.revision = r.document_revision) end as chain_data,
         chain_hash, content_hash, status, is_active, signature_status, created_at, updated_at, expires_at, updated_by,
         request_id, revokes_at, revocations, document_revision
  from trust_chain_revisions r;
