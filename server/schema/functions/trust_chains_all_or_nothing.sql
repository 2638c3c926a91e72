-- For writes that are done together or not at all: takes the answers of trust_chains_write as JSON. True where all of them were
-- done now, or all were done before under the same requests; a deletion that has nothing to do counts as done. Otherwise raises
-- TR001, which undoes everything, with the refused writes in the detail; one that was done before on its own counts as refused.
create or replace function trust_chains_all_or_nothing(written jsonb) returns boolean language plpgsql volatile
set search_path from current
as $$
declare
  refused jsonb;
begin
  if not exists (
    select from jsonb_array_elements(written) w where w ->> 'outcome' not in ('replayed', 'unchanged')) then return true; end if;
  select jsonb_agg(case when w ->> 'outcome' = 'replayed' then w || '{"outcome": "reused"}' else w end)
  into refused
  from jsonb_array_elements(written) w
  where w ->> 'outcome' not in ('created', 'updated', 'deleted', 'purged', 'unchanged');
  if refused is not null then
    raise exception 'some writes of a batch are refused' using errcode = 'TR001', detail = refused::text;
  end if;
  return true;
end
$$;
