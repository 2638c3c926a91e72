-- What ChainFilter can ask, each with an index.

-- The genesis metadata as JSONB, or null where it is absent, no object, or holds what JSONB cannot (a number beyond its
-- range, say). Such a chain is stored all the same: the text is what was signed, this is for finding it.
-- Not parallel safe: the exception block is a subtransaction, which PostgreSQL 15 and 16 refuse beside parallel workers.
create function trust_chain_metadata(chain_data jsonb) returns jsonb
language plpgsql immutable strict as $$
begin
  return (chain_data #>> '{genesis,metadata_json}')::jsonb;
exception when others then
  return null;
end
$$;

create index trust_chains_authority on trust_chains (authority_id, agent_id);

-- Covering: a plan for an unknown moment expects a third of the table, and only an index alone beats reading that.
create index trust_chains_expires on trust_chains (expires_at) include (agent_id, is_active, chain_bytes)
  where expires_at is not null;

-- Extracted values, not whole documents: smaller, and a capability is not found under another field's name.
create index trust_chains_capability on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.capabilities[*].capability'));
create index trust_chains_capability_type on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.capabilities[*].capability_type'));
create index trust_chains_delegator on trust_chains
  using gin (jsonb_path_query_array(chain_data, '$.delegations[*].delegator_id'));
create index trust_chains_metadata on trust_chains
  using gin (trust_chain_metadata(chain_data) jsonb_path_ops);
