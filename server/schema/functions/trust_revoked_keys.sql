-- The keys of an authority, each with its revocation. Of several the earliest counts, and without a compromised_at in each of
-- them the key verifies nothing.
create or replace function trust_revoked_keys(authority text, keys jsonb) returns jsonb language sql stable
set search_path from current
as $$
  select jsonb_agg(case when r.revoked_at is null then k.key else
    k.key - 'compromised_at' || jsonb_strip_nulls(jsonb_build_object(
      'revoked_at', trust_time_text(r.revoked_at), 'compromised_at', trust_time_text(r.compromised_at))) end
    order by k.place)
  from jsonb_array_elements(keys) with ordinality as k (key, place)
  left join lateral (
    select min(v.revoked_at) as revoked_at,
           case when bool_and(v.compromised_at is not null) then min(v.compromised_at) end as compromised_at
    from trust_revocations v
    where v.authority_id = authority and v.record_id = k.key ->> 'key_id'
  ) r on true
$$;
