-- The tables of the registry. PostgreSQL 15 to 18.
--
-- trust_chains, trust_authorities and trust_revocations hold the current state. Every change of them, by the server or by a
-- person in psql, gets the next revision; triggers (see functions/) write it to the tables ending in _revisions.

-- One sequence for all tables: revisions are the one order of changes.
create sequence trust_revision as bigint;

create table trust_chains (
  -- Serves reads by id (GetChain, BatchGetChains, the cache) and ListChains in the order of UTF-8 bytes.
  agent_id text collate "C" primary key,
  revision bigint not null,
  authority_id text not null,
  -- The only copy of the document: ProtoJSON with proto field names.
  chain_data jsonb not null,
  -- Size of the chain in protobuf's binary form. A page of chains is cut to size by it before documents are read.
  chain_bytes integer not null,
  chain_hash text not null,
  content_hash text not null,
  status text not null default 'active' check (status in ('active', 'deleted', 'suspended', 'revoked')),
  is_active boolean not null default true,
  signature_status text not null default 'unverified' check (signature_status in ('unverified', 'verified')),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  updated_by text not null default '',
  request_id uuid not null default gen_random_uuid(),
  -- When a graceful revocation of the agent takes effect.
  revokes_at timestamptz,
  -- Revoked records of the chain: [{"kind", "record_id", "from"}]. `from` is in microseconds since 1970; null means at once.
  revocations jsonb not null default '[]',
  check (octet_length(agent_id) between 1 and 512),
  check (is_active = (status = 'active'))
);

-- ListChains, CountChains and ExportChains by authority_id.
create index trust_chains_authority on trust_chains (authority_id, agent_id);

-- ListChains and CountChains by expires_before. Covering: for an unknown moment the planner expects a third of the table, and
-- only an index-only scan beats reading all of it.
create index trust_chains_expires on trust_chains (expires_at) include (agent_id, is_active, revokes_at, chain_bytes)
  where expires_at is not null;

-- ListChains and CountChains by capability. This index and the next two hold extracted values instead of whole documents: they
-- are smaller, and a capability is not found under another field's name.
create index trust_chains_capability on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.capabilities[*].capability'));

-- ListChains and CountChains by capability_type.
create index trust_chains_capability_type on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.capabilities[*].capability_type'));

-- ListChains and CountChains by delegator_id, and trust_revocation_cascade, which looks up the delegatees of each agent.
-- Without fastupdate: a lookup reads the whole pending list, 0.5 ms where the index takes 0.02.
create index trust_chains_delegator on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.delegations[*].delegator_id')) with (fastupdate = off);

-- Of each change of a chain: what was done, by whom, and the chain after it.
create table trust_chain_revisions (
  -- Serves WatchChains and the change feed, which read on from a revision.
  revision bigint primary key,
  agent_id text collate "C" not null,
  operation text not null check (operation in
    ('created', 'updated', 'deleted', 'restored', 'suspended', 'revoked', 'purged', 'revocations_changed')),
  authority_id text not null,
  -- Null once the chain was purged.
  chain_data jsonb,
  chain_hash text not null,
  content_hash text not null,
  status text not null,
  is_active boolean not null,
  signature_status text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  updated_by text not null,
  request_id uuid not null,
  revokes_at timestamptz,
  revocations jsonb not null default '[]',
  -- Serves trust_chains_write: a retry finds what was done under its request_id.
  unique (agent_id, request_id)
);

-- ListChainRevisions, reads at_revision, VerifyChainIntegrity, and for WatchChains the change before each change.
create index trust_chain_revisions_agent on trust_chain_revisions (agent_id, revision desc);

create table trust_authorities (
  -- Serves GetAuthority, the cache of signers, and ListAuthorities in order.
  authority_id text collate "C" primary key,
  revision bigint not null,
  -- The only copy of the document: ProtoJSON with proto field names.
  authority_data jsonb not null,
  parent_authority_id text collate "C" generated always as (authority_data ->> 'parent_authority_id') stored
    references trust_authorities,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  updated_by text not null default '',
  request_id uuid not null default gen_random_uuid(),
  -- Hash of what the request asked for: tells a retry from a different request under the same id.
  request_hash text not null default '',
  check (octet_length(authority_id) between 1 and 512),
  constraint trust_authorities_id check (authority_data ->> 'id' is not distinct from authority_id)
);

-- The foreign key: without it a delete by hand would read the whole table for children.
create index trust_authorities_parent on trust_authorities (parent_authority_id) where parent_authority_id is not null;

create table trust_authority_revisions (
  -- Serves the change feed.
  revision bigint primary key,
  authority_id text collate "C" not null,
  operation text not null
    check (operation in ('registered', 'updated', 'keys_changed', 'deactivated', 'reactivated', 'purged')),
  -- Null once the authority was deleted by hand.
  authority_data jsonb,
  is_active boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  updated_by text not null,
  request_id uuid not null,
  request_hash text not null,
  -- Serves trust_authorities_write: a retry finds what was done under its request_id.
  unique (authority_id, request_id)
);

-- Verdicts at a past revision or time.
create index trust_authority_revisions_authority on trust_authority_revisions (authority_id, revision desc);

-- What is revoked. Signed documents are never edited to revoke: chains and authorities derive their state from these rows.
create table trust_revocations (
  -- Serves the change feed, and ListRevocations from the newest change.
  revision bigint primary key,
  -- The request that revoked. It has a row for the record that it named and one for each that descends from it.
  revocation_id uuid not null,
  kind text not null check (kind in ('agent', 'delegation', 'capability', 'key')),
  -- The agent whose chain holds the record; null for keys.
  agent_id text collate "C",
  -- The authority of a key; null for everything else.
  authority_id text collate "C",
  -- Id of the delegation, capability or key; empty for agents.
  record_id text collate "C" not null default '',
  mode text not null check (mode in ('immediate', 'graceful', 'suspend')),
  -- The delegator through which the revocation reached this record; null for the record that the request named.
  descends_from text collate "C",
  -- When it takes effect. Only graceful revocations wait for it; the others count at once, whatever a clock says.
  effective_at timestamptz,
  -- Of a key: since when others may have had it; null: it verifies nothing any more.
  compromised_at timestamptz,
  reason text not null default '',
  revoked_at timestamptz not null default clock_timestamp(),
  revoked_by text not null default '',
  lifted_at timestamptz,
  lifted_by text,
  -- The request that last changed the row: the one that revoked, or the one that lifted.
  request_id uuid not null default gen_random_uuid(),
  -- Hash of what the request asked for: tells a retry from a different request under the same id.
  request_hash text not null default '',
  -- Serves retries of a revocation, LiftRevocation, and ListRevocations by revocation_id.
  unique nulls not distinct (revocation_id, kind, agent_id, authority_id, record_id),
  check ((kind = 'key') = (authority_id is not null) and (kind = 'key') = (agent_id is null)),
  check ((kind = 'agent') = (record_id = '')),
  check (kind <> 'key' or mode = 'immediate'),
  check (mode <> 'graceful' or effective_at is not null),
  check (compromised_at is null or kind = 'key')
);

-- Every write of a chain: trust_chains_standing looks up what is revoked of it.
create index trust_revocations_standing on trust_revocations (agent_id) where lifted_at is null;

-- ListRevocations by agent_id, and verdicts at a past time.
create index trust_revocations_agent on trust_revocations (agent_id, revision) where agent_id is not null;

-- ListRevocations by authority_id, and trust_revoked_keys.
create index trust_revocations_authority on trust_revocations (authority_id, revision) where authority_id is not null;

-- How far retention has compacted the history: at most one row, none while all of it is there.
create table trust_compaction (
  one boolean primary key default true check (one),
  oldest_revision bigint not null
);

-- The oldest revision from which the history is complete: every later change, and the state of every agent at each of them.
create view trust_history as
  select coalesce(max(oldest_revision), 1) as oldest_revision from trust_compaction;

-- A write that the server asks for; trust_chains_write, which takes an array of them, says what the fields mean. To read one from
-- the text of such an array takes 12 us; from an array for each field 9, but then every statement puts them together again;
-- from JSON 21.
create type trust_chain_write as (
  operation text,
  agent_id text,
  request_id uuid,
  actor text,
  expected_revision bigint,
  authority_id text,
  chain_bytes integer,
  chain_hash text,
  content_hash text,
  expires_at timestamptz,
  signature_status text,
  depends jsonb
);

-- The answer to such a write: its position, counted from 1, the outcome, and a record of the chain.
create type trust_chain_written as (
  "position" bigint,
  outcome text,
  operation text,
  revision bigint,
  agent_id text,
  authority_id text,
  chain_hash text,
  content_hash text,
  status text,
  is_active boolean,
  signature_status text,
  created_at timestamptz,
  updated_at timestamptz,
  expires_at timestamptz,
  updated_by text,
  revokes_at timestamptz,
  culprit text
);

-- The answer of trust_authorities_write.
create type trust_authority_written as (
  outcome text,
  revision bigint,
  authority_id text,
  authority_data jsonb,
  is_active boolean,
  created_at timestamptz,
  updated_at timestamptz,
  updated_by text
);

-- A row of the answer of trust_revocations_write and trust_revocations_lift: the outcome, the newest revision of what was done,
-- and a revoked record.
create type trust_revocation_written as (
  outcome text,
  head bigint,
  revision bigint,
  revocation_id uuid,
  kind text,
  agent_id text,
  authority_id text,
  record_id text,
  mode text,
  descends_from text,
  effective_at timestamptz,
  compromised_at timestamptz,
  reason text,
  revoked_at timestamptz,
  revoked_by text,
  lifted_at timestamptz,
  lifted_by text
);
