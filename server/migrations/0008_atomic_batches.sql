-- Writes that are done together or not at all.

-- For what trust_chains_write answered, as JSON: true where all of it was done, now or all of it before under the same
-- requests. Otherwise it raises TR001, which undoes all of it, and tells what was refused in the detail; what of a batch was
-- done before on its own is refused too.
create function trust_chains_assure_all(written jsonb) returns boolean language plpgsql volatile as $$
declare
  replayed integer := (select count(*) from jsonb_array_elements(written) w where w ->> 'outcome' = 'replayed');
  refused jsonb;
begin
  if replayed = jsonb_array_length(written) then return true; end if;
  select jsonb_agg(case when w ->> 'outcome' = 'replayed' then w || '{"outcome": "reused"}' else w end)
  into refused
  from jsonb_array_elements(written) w
  where w ->> 'outcome' not in ('created', 'updated');
  if refused is not null then
    raise exception 'some writes of a batch are refused' using errcode = 'TR001', detail = refused::text;
  end if;
  return true;
end
$$;
