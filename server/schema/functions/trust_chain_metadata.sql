-- The genesis metadata as JSONB, or null where it is absent, is not JSON, or holds what JSONB cannot, such as a number beyond
-- its range. Such a chain is stored all the same: the text is what was signed, and this is only for finding it.
--
-- Its operator and type name their schema instead of setting search_path, because the index below calls it for each row. Not
-- parallel safe: the exception block is a subtransaction, which PostgreSQL 15 and 16 refuse in parallel workers.
create or replace function trust_chain_metadata(chain_data jsonb) returns jsonb
language plpgsql immutable strict as $$
begin
  return (chain_data operator(pg_catalog.#>>) '{genesis,metadata_json}')::pg_catalog.jsonb;
exception when others then
  return null;
end
$$;

-- ListChains and CountChains by metadata_contains_json. Here because it needs the function; a change of what the function
-- returns needs a numbered step that reindexes.
create index if not exists trust_chains_metadata on trust_chains
  using gin (trust_chain_metadata(chain_data) jsonb_path_ops);
