-- ListRevokedRecords needs a key that no write moves: a lift gives a record a new revision.

-- The revision with which the record was revoked, once a lift has given it another; null before, when `revision` is still that one.
alter table trust_revocations add column made_revision bigint;

-- ListRevokedRecords, all of them, by agent_id and by authority_id.
create index trust_revocations_made on trust_revocations ((coalesce(made_revision, revision)));
create index trust_revocations_agent_made on trust_revocations (agent_id, (coalesce(made_revision, revision)))
  where agent_id is not null;
create index trust_revocations_authority_made on trust_revocations (authority_id, (coalesce(made_revision, revision)))
  where authority_id is not null;
