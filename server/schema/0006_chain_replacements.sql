-- What a write says it may do to the stored chain.
alter type trust_chain_write add attribute allow_unverified boolean, add attribute allow_new_authority boolean;
