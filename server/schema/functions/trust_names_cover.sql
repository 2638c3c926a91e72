-- Whether one of some capabilities covers one of some names.
create or replace function trust_names_cover(capabilities text[], names text[]) returns boolean language sql immutable
return exists (select from unnest(capabilities) c, unnest(names) n where trust_capability_covers(c, n));
