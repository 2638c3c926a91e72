-- A large cascade takes effect with its root; its records follow in portions.

-- The revocations whose cascade is in progress, in the order of their requests.
create table trust_cascades (
  place bigint generated always as identity primary key,
  revocation_id uuid not null unique,
  -- The record that the request named.
  kind text not null,
  agent_id text collate "C" not null,
  record_id text collate "C" not null,
  -- A revision before the root's own, which no change has: what descends is in documents that are older. What was stored since was settled.
  since bigint not null default nextval('trust_revision'),
  -- The request that lifts the suspension, and who made it. Null: records are being added.
  lift_request uuid,
  lifted_by text
);

-- What was found of these cascades. A record is found, then written to trust_revocations, then what descends from it is found.
create table trust_cascade_records (
  place bigint generated always as identity primary key,
  revocation_id uuid not null,
  agent_id text collate "C" not null,
  record_id text collate "C" not null,
  -- As in trust_revocations.
  names jsonb,
  descends_from text collate "C",
  written boolean not null default false
);

-- trust_cascade_find and trust_cascade_write: the next records to write, and the next to look below.
create index trust_cascade_records_next on trust_cascade_records (revocation_id, written, place);

-- trust_cascade_find: whether a record was found before.
create index trust_cascade_records_found on trust_cascade_records (revocation_id, agent_id, record_id);

-- The capability names of a revoked delegation or capability, kept because its chain may lose the record.
alter table trust_revocations add column names jsonb;

-- Liftings in portions: what is still to be lifted.
create index trust_revocations_suspended on trust_revocations (revocation_id) where mode = 'suspend' and lifted_at is null;

-- `total` counts all records, of which the answer has the first; `waiting` those that are known to follow, null once all are done.
alter type trust_revocation_written add attribute total bigint, add attribute waiting bigint;

-- They take one argument more.
drop function if exists trust_revocation_cascade(text, text, text);
drop function if exists trust_revocations_lift(uuid, uuid, text, timestamptz);
drop function if exists trust_revocations_write(
  text, text, text, text, text, timestamptz, timestamptz, text, uuid, text, text, timestamptz);
