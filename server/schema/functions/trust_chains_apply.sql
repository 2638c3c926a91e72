-- Does the writes whose outcome says so, one statement for each kind. `texts` are their documents, in their order, and `outcomes` those
-- of trust_chains_judge.
create or replace function trust_chains_apply(writes trust_chain_write[], outcomes text[], texts text[]) returns void
language plpgsql volatile
set search_path from current
as $$
begin
  -- A document that is cut in two would give each one after it to the wrong agent.
  if cardinality(texts) > cardinality(writes) then
    raise exception 'a document holds the control character that separates documents' using errcode = 'data_exception';
  end if;

  if 'created' = any (outcomes) then
    insert into trust_chains (agent_id, revision, request_id, updated_by, authority_id, chain_data, chain_bytes,
      chain_hash, content_hash, expires_at, signature_status)
    select w.agent_id, 0, w.request_id, w.actor, w.authority_id, w.document::jsonb, w.chain_bytes,
           w.chain_hash, w.content_hash, w.expires_at, w.signature_status
    from unnest(outcomes, texts, writes) as w (outcome, document)
    where w.outcome = 'created';
  end if;

  if 'updated' = any (outcomes) then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor, authority_id = w.authority_id,
        chain_data = w.document::jsonb, chain_bytes = w.chain_bytes, chain_hash = w.chain_hash,
        content_hash = w.content_hash, expires_at = w.expires_at, signature_status = w.signature_status
    from unnest(outcomes, texts, writes) as w (outcome, document)
    where w.outcome = 'updated' and c.agent_id = w.agent_id;
  end if;

  if array['deleted', 'restored'] && outcomes then
    update trust_chains c
    set request_id = w.request_id, updated_by = w.actor,
        status = case w.outcome when 'deleted' then 'deleted' else 'active' end
    from unnest(outcomes, writes) as w (outcome)
    where w.outcome in ('deleted', 'restored') and c.agent_id = w.agent_id;
  end if;

  if 'purged' = any (outcomes) then
    perform set_config('trust_registry.purges', (
      select jsonb_object_agg(w.agent_id, jsonb_build_array(w.request_id, w.actor))
      from unnest(outcomes, writes) as w (outcome)
      where w.outcome = 'purged')::text, true);
    delete from trust_chains c
    using unnest(outcomes, writes) as w (outcome)
    where w.outcome = 'purged' and c.agent_id = w.agent_id;
    perform set_config('trust_registry.purges', '', true);
  end if;
end
$$;
