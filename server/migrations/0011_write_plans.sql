-- A session keeps the plans of a function until its tables are analyzed anew. Made while the tables were small, a plan reads all
-- of them: an import into a young registry then spent seconds on each batch, and failed. Rows are always found by their key.
alter function trust_chains_write set enable_seqscan = off;
alter function trust_chains_write set enable_hashjoin = off;
alter function trust_chains_write set enable_mergejoin = off;
-- What a statement changed has no index.
alter function trust_chains_updated() set enable_hashjoin = on;
