-- An authority's own word: who signed its document, and the documents that led to it.

-- What was sent with the document: {"previous_hash", "signed_at", "signatures"}, ProtoJSON of DocumentProof. Without signatures: nobody
-- signed it. Null: it was changed by hand, or by a server that did not know proofs.
alter table trust_authorities add column document_proof jsonb;

-- Every document from registration on was signed by the authority, as the server found when it stored them.
alter table trust_authorities add column self_signed boolean not null default false;

-- As in trust_authorities.
alter table trust_authority_revisions add column document_proof jsonb;
alter table trust_authority_revisions add column self_signed boolean not null default false;

-- The change made a new document. A mark (inactive, revoked keys) makes none.
alter table trust_authority_revisions add column is_document boolean not null default false;

-- What was stored before this step: each revision whose document differs from the one before, the marks of keys left out.
with bare as (
  select r.revision, r.authority_id, r.authority_data || jsonb_build_object('keys', (
           select jsonb_agg(k.key - 'revoked_at' - 'compromised_at' order by k.place)
           from jsonb_array_elements(case jsonb_typeof(r.authority_data -> 'keys') when 'array' then r.authority_data -> 'keys' end)
             with ordinality as k (key, place))) as document
  from trust_authority_revisions r
  where r.authority_data is not null
), changed as (
  select b.revision,
         b.document is distinct from lag(b.document) over (partition by b.authority_id order by b.revision) as is_document
  from bare b
)
update trust_authority_revisions r set is_document = true from changed c where c.revision = r.revision and c.is_document;

alter type trust_authority_written add attribute document_proof jsonb, add attribute self_signed boolean;

-- It takes the proof, and the documents before this one.
drop function if exists trust_authorities_write(text, text, uuid, text, text, bigint, jsonb, timestamptz);
