-- Whether `ancestor` is `authority` itself or above it. Ends in a cycle too.
create or replace function trust_authority_is_above(ancestor text, authority text) returns boolean language sql stable
set search_path from current
as $$
  with recursive above (authority_id) as (
    select authority collate "C"
    union
    select a.parent_authority_id
    from above b join trust_authorities a on a.authority_id = b.authority_id
    where a.parent_authority_id is not null
  )
  select ancestor in (select authority_id from above)
$$;
