-- What a write says it may do to the stored chain.
alter type trust_chain_write add attribute allow_unverified boolean, add attribute allow_new_authority boolean;

-- They take the documents, taken apart.
drop function if exists trust_chains_judge(trust_chain_write[], timestamptz);
drop function if exists trust_chains_answer(trust_chain_write[], text[], timestamptz);
drop function if exists trust_chains_apply(trust_chain_write[], text[], text);
