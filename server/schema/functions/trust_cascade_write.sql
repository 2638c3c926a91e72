-- Revokes the next portion of the records that were found of a cascade. Answers how many; null where none is left. The caller
-- holds the lock of writers.
create or replace function trust_cascade_write(cascade trust_cascades, most integer, most_bytes bigint) returns bigint
language plpgsql volatile
set search_path from current
-- As in trust_chains_standing.
set enable_seqscan = off
as $$
declare
  places bigint[];
begin
  places := array(
    select p.place from (
      select n.place, sum(coalesce(c.chain_bytes, 0)) over (order by n.place) - coalesce(c.chain_bytes, 0) as before
      from (
        select * from trust_cascade_records r where r.revocation_id = cascade.revocation_id and not r.written order by r.place limit most
      ) n
      left join trust_chains c on c.agent_id = n.agent_id
    ) p
    where p.before < most_bytes);
  if cardinality(places) = 0 then
    return case when exists (select from trust_cascade_records r where r.revocation_id = cascade.revocation_id) then 0 end;
  end if;
  return trust_cascade_revoke(cascade, places);
end
$$;
