-- Whether an authority is active and may do something: by its own permissions or, if it has none, by those of its parent, which must
-- be active, too. The rule of withPermissions in server/service/verification/permissions.ts; a test compares the two.
create or replace function trust_authority_may(authority text, permission text) returns boolean language sql stable
set search_path from current
as $$
  with recursive up as (
    select a.authority_data as document, a.is_active, 0 as level from trust_authorities a where a.authority_id = authority
    union all
    select p.authority_data, up.is_active and p.is_active, up.level + 1
    from up join trust_authorities p on p.authority_id = up.document ->> 'parent_authority_id'
    where coalesce(jsonb_array_length(up.document -> 'permissions'), 0) = 0 and up.level < 16
  )
  select coalesce((
    select up.is_active and up.document -> 'permissions' ? permission from up order by up.level desc limit 1
  ), false)
$$;
