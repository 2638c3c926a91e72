-- Chains of usual length stay in their rows as they are. PostgreSQL would compress what passes 2 KB, twice for each write (row
-- and history), and that cost it two fifths of the time of a write; the price is disk, about twice as much for those chains.
alter table trust_chains set (toast_tuple_target = 8160);
alter table trust_chain_revisions set (toast_tuple_target = 8160);
